"""A quote as whoever asks sees it: in the shapes of an order."""

from __future__ import annotations

from collections.abc import Iterator

from harvestd.kernel import languages
from harvestd.kernel.errors import MarketError
from harvestd.kernel.quantities import shown
from harvestd.market.orders.quote_shapes import Quote, QuoteFee, QuotePart, QuoteRefusal
from harvestd.market.orders.quoting import Quoted
from harvestd.market.orders.shapes import OrderFarm
from harvestd.market.orders.views import shown_amounts, shown_lines, shown_totals, shown_way
from harvestd.web.money import money
from harvestd.web.problems import problem_of


def quote_view(quoted: Quoted, currency: str, language: str) -> Quote:
    """What an order would be."""
    decided = quoted.decided
    parts = [
        QuotePart(
            farm=OrderFarm(id=part.farm_id, name=part.farm_name),
            fulfilment=shown_way(quoted.ways[part.farm_id]) if part.farm_id in quoted.ways else None,
            **shown_lines((line for line in decided.lines if line.farm_id == part.farm_id), currency, seen=True),
            **shown_amounts(part, decided.pricing.tax_included, currency),
        )
        for part in decided.parts
    ]  # fmt: skip
    return Quote(
        id=quoted.held.id if quoted.held is not None else None,
        expires_at=quoted.held.expires_at if quoted.held is not None else None,
        parts=parts, lines=[line for part in parts for line in part.lines],
        fees=[
            QuoteFee(name=fee.name, farm_id=fee.farm_id, amount=money(fee.amount, currency), tax=money(fee.tax, currency))
            for fee in decided.bill.fees
        ],
        totals=shown_totals(currency, decided.totals, any(part.estimated for part in parts)),
        refusals=[one for error in decided.refusals for one in _refusals(error, language)],
    )  # fmt: skip


def _refusals(error: MarketError, language: str) -> Iterator[QuoteRefusal]:
    """Each error of a refusal, or the refusal itself, if it has none."""
    problem = problem_of(error)
    title = languages.title(problem.title, language)
    if not error.errors:
        detail = languages.sentence(error.detail, language) or str(error.detail)
        yield QuoteRefusal(
            type=problem.type, status=problem.status, title=title, field=None, code=None, message=detail, params={}, available=None
        )  # fmt: skip
    for one in error.errors:
        yield QuoteRefusal(
            type=problem.type, status=problem.status, title=title, field=one.field, code=one.code,
            message=languages.message(one.code, one.params, one.message, language), params=dict(one.params),
            available=None if one.available is None else shown(one.available),
        )  # fmt: skip

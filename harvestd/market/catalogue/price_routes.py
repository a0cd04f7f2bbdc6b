"""Reduced prices, and what a product cost when: for those who run its farm, and the market's staff."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from harvestd.kernel import errors
from harvestd.kernel.errors import FieldError, NotFound
from harvestd.kernel.names import accept, told
from harvestd.kernel.permissions import Permission
from harvestd.kernel.quantities import shown
from harvestd.kernel.slugs import is_id
from harvestd.market.catalogue import markdown_actions, markdown_rules, price_rows
from harvestd.market.catalogue import rows as store
from harvestd.market.catalogue.actions import locked, permitted
from harvestd.market.catalogue.price_shapes import NewMarkdown, PastPrice, PriceHistoryQuery
from harvestd.market.catalogue.product_routes import currency_of, now
from harvestd.market.farms.actions import refusal
from harvestd.web.context import CountedPage, RequestContext, Result
from harvestd.web.money import given_faults, minor_units, money
from harvestd.web.paging import Keyset
from harvestd.web.shapes import PricePer


def faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields of a markdown, whatever the product."""
    reason = errors.faults(lambda: told("reason", given.get("reason", ""), markdown_rules.MAX_REASON))
    until = {"until": given["until"]} if "until" in given else {}
    return [*given_faults("price", given, currency_of(request)), *markdown_rules.faults(until, request.now), *reason]


async def reduce(request: RequestContext, body: NewMarkdown) -> Result:
    """Reduce the price until a time."""
    given = msgspec.structs.asdict(body)
    accept(*faults(request, given), message="the price cannot be reduced like this")
    before = await _locked(request)
    price = minor_units("price", body.price, currency_of(request))
    await markdown_actions.announce(request.work, before, price, body.until, body.reason)
    return await now(request, before.id)


async def restore(request: RequestContext) -> None:
    """End the reduction; it is no error if there is none."""
    await markdown_actions.withdraw(request.work, await _locked(request))


async def _locked(request: RequestContext) -> store.Product:
    product = await locked(request.work, request.user, Permission.CHANGE_PRODUCTS, request.path["id"])
    request.check_version(product.version)
    return product


async def history(request: RequestContext, query: PriceHistoryQuery) -> CountedPage[PastPrice]:
    """What a product cost when, the present price first."""
    keyset = Keyset(query, "prices", (int,), lambda row: (row.id,))
    (after,) = keyset.after or (None,)
    product = await _own(request)
    shown_now, following = keyset.page(await price_rows.listed(request.reader, product.id, after, keyset.ask))
    total = await price_rows.count(request.reader, product.id) if query.count else None
    return CountedPage([_past(row, currency_of(request)) for row in shown_now], following, total)


async def _own(request: RequestContext) -> store.Product:
    token = request.path["id"]
    found = token if is_id(token) else await store.id_of(request.reader, token)
    rows = await store.by_ids(request.reader, [found]) if found else []
    if not rows:
        raise await refusal(request.reader, request.user, NotFound("there is no such product"))
    await permitted(request.reader, request.user, Permission.CHANGE_PRODUCTS, rows[0])
    return rows[0]


def _past(row: price_rows.Past, currency: str) -> PastPrice:
    return PastPrice(
        from_=row.since, price=money(row.price, currency), price_per=PricePer(quantity=shown(row.price_per), unit=row.unit),
        on_sale=row.on_sale, reduced=row.reduced,
    )  # fmt: skip

"""A markdown: a reduced price until a time, announced beside the lowest price of the thirty days before it (Directive 98/6/EC, article 6a).
Pure.

The price of an offer is its regular one, to which it returns. Whoever writes the price while it is reduced writes that: the reduced price
as it was read says nothing new, and a regular price that is no more than the reduced one ends the markdown, as does another unit or
quantity, under which the reduced price would mean something else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Any

import attrs

from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import accept, told
from harvestd.kernel.units import Amount, in_unit
from harvestd.market.catalogue.measure_rules import price_unit
from harvestd.market.catalogue.price_rules import alone_faults

#: The time before a reduction whose lowest price is shown beside it.
BEFORE = timedelta(days=30)
MAX_REASON = 200


@attrs.frozen
class Markdown:
    """A reduction: its ``price`` and the lowest ``prior`` one in minor units, both for what the offer's price is for; and until when."""

    price: int
    prior: int
    until: datetime
    reason: str = ""


@attrs.frozen
class Was:
    """A price that a product had; ``on_sale`` is whether it was sold at it."""

    price: int
    price_per: Decimal
    unit: str
    on_sale: bool


def faults(given: Mapping[str, Any], now: datetime) -> list[FieldError]:
    """Faults in the given fields of a markdown (``price`` in minor units), whatever the product."""
    price = alone_faults(given["price"]) if "price" in given else ()
    return [*price, *(_time_faults(given["until"], now) if "until" in given else ())]


def announced(offer: Any, price: int, until: datetime, reason: str, now: datetime, history: Iterable[Was]) -> Any:
    """The offer at a reduced price. ``history`` are its prices in the time :data:`BEFORE`. Raises :class:`Invalid` for a price that is no
    reduction, or above the lowest of that time, and a time that has passed. A further reduction has a prior price of its own; the same one for longer keeps it."""
    reason = told("reason", reason, MAX_REASON)
    accept(
        *_price_faults(price, offer.price), *_time_faults(until, now), message="the price cannot be reduced like this"
    )
    running: Markdown | None = offer.markdown
    goes_on = running is not None and running.price == price
    prior = (
        running.prior
        if running is not None and goes_on
        else lowest(history, price_unit(offer.unit, offer.measures.each), offer.price_per, offer.price)
    )
    accept(*_no_reduction(price, prior), message="the price cannot be reduced like this")
    return attrs.evolve(offer, markdown=Markdown(price, prior, until, reason))


def lowest(history: Iterable[Was], unit: str, per: Decimal, present: int) -> int:
    """The lowest price at which a product was sold, for ``per`` of ``unit``, rounded down, so that no reduction looks greater than it is;
    ``present`` if there is none that compares."""
    found = [price for was in history if was.on_sale and (price := _compared(was, unit, per)) is not None]
    return min(found, default=present)


def _compared(was: Was, unit: str, per: Decimal) -> int | None:
    then = in_unit(was.price_per, was.unit, unit, Decimal(0))
    return int((was.price * per / then).to_integral_value(ROUND_FLOOR)) if then else None


def _price_faults(price: int, regular: int) -> list[FieldError]:
    if price < regular:
        return list(alone_faults(price))
    message = "must be below the price that it is reduced from; PATCH the price to raise it"
    params = {"maximum": str(regular - 1), "reason": "no-reduction"}
    return [FieldError("price", message, code="above-maximum", params=params)]


def _no_reduction(price: int, prior: int) -> list[FieldError]:
    """What was cheaper lately is not reduced: the prior price beside it would be lower."""
    if price < prior:
        return []
    message = f"must be below the lowest price of the last {BEFORE.days} days; PATCH the price to change it without announcing a reduction"
    params = {"maximum": str(prior - 1), "reason": "prior-price"}
    return [FieldError("price", message, code="above-maximum", params=params)]


def _time_faults(until: datetime, now: datetime) -> list[FieldError]:
    if until <= now:
        return [
            FieldError(
                "until", "has passed already; give a time that is to come", code="expired", params={"reason": "past"}
            )
        ]
    return []


def _priced_for(*, unit: str, price_per: Decimal, priced_by: str | None, estimated_weight: Amount | None) -> object:
    """What a price is for."""
    return unit, price_per, price_unit(unit, estimated_weight if priced_by else None)


def follows(offer: Any, changes: Mapping[str, Any]) -> dict[str, Any]:
    """``changes`` of an offer with what they make of its markdown and of its groups' prices."""
    given = dict(changes)
    names = ("unit", "price_per", "priced_by", "estimated_weight")
    before = {name: getattr(offer, name) for name in names}
    other = _priced_for(**before) != _priced_for(**{name: given.get(name, before[name]) for name in names})
    if other and "prices" not in given:
        given["prices"] = ()
    running: Markdown | None = offer.markdown
    if running is None:
        return given
    price = given.get("price", offer.price)
    if price == running.price and not other:
        price = offer.price
    ends = other or price <= running.price
    return {**given, "price": price, "markdown": None if ends else running}


def columns(markdown: Markdown | None, regular: int = 0) -> dict[str, Any]:
    """How it is kept, of an offer whose price is ``regular``."""
    if markdown is None:
        return dict.fromkeys(("regular_price", "prior_price", "markdown_until", "markdown_reason"))
    return {
        "price": markdown.price, "regular_price": regular, "prior_price": markdown.prior, "markdown_until": markdown.until,
        "markdown_reason": markdown.reason,
    }  # fmt: skip

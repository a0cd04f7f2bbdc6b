"""A product as it is on sale now: whether it can be had, in which quantities, and what a price was agreed to mean. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import attrs

from harvestd.kernel import formatting
from harvestd.kernel.errors import FieldError
from harvestd.kernel.quantities import least_worth, line_total, orderable, shown
from harvestd.kernel.seasons import in_season
from harvestd.market.products import Known

#: Why a product cannot be ordered though it is on sale: nobody with an account belongs to its farm.
NOBODY_THERE = "nobody-there"


@attrs.frozen(kw_only=True)
class Agreed:
    """All that makes a price mean what it does; remembered of each line of a cart when its buyer puts it in."""

    unit: str
    price: int
    price_per: Decimal
    quantity_step: Decimal
    min_quantity: Decimal


@attrs.frozen(kw_only=True)
class OnSale:
    """A product as its row says it is now; ``price`` is for ``price_per`` of the unit, ``staffed`` is whether anybody of its farm
    would hear of an order."""

    id: str
    slug: str
    farm_id: str
    farm_slug: str
    farm_name: str
    order_minimum: int
    staffed: bool
    title: str
    unit: str
    price: int
    price_per: Decimal
    stock: Decimal
    reserved: Decimal
    quantity_step: Decimal
    min_quantity: Decimal
    season_from: str | None
    season_to: str | None
    status: str
    revision: int

    @property
    def available(self) -> Decimal:
        """Stock less what is reserved."""
        return self.stock - self.reserved

    @property
    def known(self) -> Known:
        """How events name it."""
        return Known(self.id, self.slug, self.farm_id, self.farm_slug)

    @property
    def agreed(self) -> Agreed:
        """What a buyer agrees to who takes it now."""
        return Agreed(
            unit=self.unit, price=self.price, price_per=self.price_per, quantity_step=self.quantity_step,
            min_quantity=self.min_quantity,
        )  # fmt: skip

    def total(self, quantity: Decimal) -> int:
        """What a quantity costs, in minor units; rounded once, half up."""
        return line_total(self.price, quantity, self.price_per)


def withheld(field: str, product: OnSale | None, today: date | None) -> FieldError | None:
    """Why a product cannot be had on a day (None: on any), whatever the quantity; None if it can."""
    if product is None or product.status != "published":
        return FieldError(field, "is not for sale here; take it out", code="not-for-sale")
    if not product.staffed:
        message = f"{product.title} cannot be ordered: nobody of {product.farm_name} is here to take orders"
        return FieldError(
            field,
            message,
            code="not-for-sale",
            params={"reason": NOBODY_THERE, "title": product.title, "farm": product.farm_name},
        )
    if today is not None and not in_season(product.season_from, product.season_to, today):
        season = {"from": product.season_from or "", "to": product.season_to or "", "title": product.title}
        message = f"{product.title} is out of season ({formatting.season(season['from'], season['to'])})"
        return FieldError(field, message, code="out-of-season", params=season)
    return None


def takeable(field: str, quantity: Decimal, product: OnSale) -> Decimal | FieldError:
    """The quantity as a line of an order may have it: on the product's step, not below its least, and worth at least one
    minor unit unless the product is free; or what is wrong with it."""
    value = orderable(field, quantity, product.quantity_step, product.min_quantity, product.unit)
    if isinstance(value, FieldError) or not product.price or product.total(value):
        return value
    least = least_worth(product.price, product.quantity_step, product.price_per)
    message = f"comes to nothing at this price; take at least {formatting.quantity(least, product.unit)}"
    return FieldError(field, message, code="below-minimum", params={"minimum": shown(least), "unit": product.unit})


@attrs.frozen
class Change:
    """One thing that a price meant when it was agreed to, and means no more. ``code`` names it, ``params`` have ``before`` and
    ``after`` as values, and what they are of."""

    code: str
    message: str
    params: dict[str, str]


def changes(seen: Agreed, product: OnSale, currency: str) -> Iterator[Change]:
    """What of an agreement does not hold any more."""
    now, title = product.agreed, product.title
    for name in (field.name for field in attrs.fields(Agreed)):
        before, after = getattr(seen, name), getattr(now, name)
        if before != after:
            code, words, said, of = _SAID[name]
            message = words.format(title=title, before=said(before, seen, currency), after=said(after, now, currency))
            units = {"currency": currency, "unit": now.unit}
            yield Change(
                code,
                message,
                {"before": _value(before), "after": _value(after), "title": title, **{x: units[x] for x in of}},
            )


def _value(value: str | int | Decimal) -> str:
    """As the contract has it."""
    return shown(value) if isinstance(value, Decimal) else str(value)


def _unit(value: str, agreed: Agreed, currency: str) -> str:
    return value


def _price(value: int, agreed: Agreed, currency: str) -> str:
    return formatting.price(value, currency, agreed.price_per, agreed.unit)


def _amount(value: Decimal, agreed: Agreed, currency: str) -> str:
    return formatting.quantity(value, agreed.unit)


#: By field of :class:`Agreed`: the code of its change, the words, how a value is said in them, and what it is of.
_SAID: dict[str, tuple[str, str, Callable[[Any, Agreed, str], str], tuple[str, ...]]] = {
    "unit": ("unit-changed", "The unit of {title} was {before} and is {after} now; set its quantity anew", _unit, ()),
    "price": ("price-changed", "The price of {title} was {before} and is {after} now", _price, ("currency",)),
    "price_per": ("price-per-changed", "The price of {title} was for {before} and is for {after} now", _amount, ("unit",)),
    "quantity_step": ("step-changed", "The step of {title} was {before} and is {after} now", _amount, ("unit",)),
    "min_quantity": ("minimum-changed", "The least quantity of {title} was {before} and is {after} now", _amount, ("unit",)),
}  # fmt: skip

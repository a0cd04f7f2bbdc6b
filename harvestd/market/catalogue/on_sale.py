"""A product as it is on sale now: whether it can be had, in which quantities, and what a price was agreed to mean. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import attrs

from harvestd.kernel import formatting
from harvestd.kernel.errors import FieldError
from harvestd.kernel.quantities import least_worth, line_total, orderable, shown
from harvestd.kernel.seasons import in_season
from harvestd.kernel.units import in_unit
from harvestd.market.catalogue.rules import Known

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
    """What of an agreement does not hold any more. 1 kg and 1000 g are the same, and so are 2.00 for 500 g and 4.00 for 1 kg."""
    now, title = product.agreed, product.title
    units = {"unit": now.unit, "unit_before": seen.unit}
    if seen.unit != now.unit:
        message = f"The unit of {title} was {seen.unit} and is {now.unit} now; set its quantity anew"
        yield Change("unit-changed", message, {"before": seen.unit, "after": now.unit, "title": title})
    if not _costs_the_same(seen, now):
        yield _price_change(seen, now, title, currency, units)
    for name, (code, words) in _AMOUNTS.items():
        before, after = getattr(seen, name), getattr(now, name)
        if before != in_unit(after, now.unit, seen.unit, after):
            was, is_ = formatting.quantity(before, seen.unit), formatting.quantity(after, now.unit)
            message = f"The {words} of {title} was {was} and is {is_} now"
            yield Change(code, message, {"before": shown(before), "after": shown(after), "title": title, **units})


#: By field of :class:`Agreed`: the code of its change, and what people call it.
_AMOUNTS = {"quantity_step": ("step-changed", "step"), "min_quantity": ("minimum-changed", "least quantity")}


def _costs_the_same(seen: Agreed, now: Agreed) -> bool:
    per = in_unit(now.price_per, now.unit, seen.unit, now.price_per)
    return seen.price * per == now.price * seen.price_per


def _price_change(seen: Agreed, now: Agreed, title: str, currency: str, units: dict[str, str]) -> Change:
    full = seen.unit != now.unit
    was, is_ = (formatting.price(one.price, currency, one.price_per, one.unit, full=full) for one in (seen, now))
    message = f"The price of {title} was {was} and is {is_} now"
    per = {"per_before": shown(seen.price_per), "per_after": shown(now.price_per)}
    params = {"before": str(seen.price), "after": str(now.price), "currency": currency, "title": title}
    return Change("price-changed", message, {**params, **per, **units})

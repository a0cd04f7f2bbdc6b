"""A product as it is on sale now: whether it can be ordered, in which quantities, and the terms that a buyer agreed to. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import attrs

from harvestd.kernel import formatting
from harvestd.kernel.errors import FieldError
from harvestd.kernel.quantities import ONE, least_worth, line_total, orderable, shown
from harvestd.kernel.seasons import in_season
from harvestd.kernel.units import Amount, alike, in_unit
from harvestd.market.catalogue.measure_rules import price_unit
from harvestd.market.catalogue.product_events import Known
from harvestd.market.catalogue.variant_rules import Pack
from harvestd.market.farms.day_rules import away_until

#: Why a product cannot be ordered although it is on sale: its farm has no member with an account.
NOBODY_THERE = "nobody-there"
#: The same: it is on holiday.
FARM_AWAY = "farm-away"
#: The same: the day until which it may be eaten is over (Regulation (EU) 1169/2011, article 24). What is best before a day may be sold after it.
PAST_USE_BY = "past-use-by"


@attrs.frozen(kw_only=True)
class Agreed:
    """The terms that give a price its meaning; stored with each line of a cart when its buyer puts it in. ``each`` is the estimated weight of a
    piece that is priced by weight, ``pack`` what one of a pack size takes."""

    unit: str
    price: int
    price_per: Decimal
    quantity_step: Decimal
    min_quantity: Decimal
    each: Amount | None = None
    pack: Pack | None = None

    @property
    def price_unit(self) -> str:
        """The unit of ``price_per``."""
        return price_unit(self.unit, self.each)

    @property
    def content(self) -> Amount | None:
        """What is in a pack."""
        return None if self.pack is None else self.pack.content


@attrs.frozen(kw_only=True)
class OnSale:
    """A product in its current state; ``price`` is for ``price_per`` of the unit, ``staffed`` is whether its farm is verified, and has an owner
    who would be notified of an order, ``away`` when it is on holiday (``{from, to, note}``); ``title`` is in the buyer's language, as far as it is translated,
    ``own_title`` the farm's; ``facts`` are what the law has told of it, ``restricted`` is whether not everybody sees it. ``price`` is what it costs the buyer
    who looks. ``each`` is the estimated weight of a piece that is priced by weight, ``image`` the JSON of its first picture. With a ``pack`` it is that pack
    size of the product: title, unit, price and steps are the pack's; ``stock`` and ``reserved`` stay the product's, in its own unit."""

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
    facts: Mapping[str, Any] = attrs.field(factory=dict)
    away: Sequence[Mapping[str, Any]] = ()
    own_title: str = ""
    restricted: bool = False
    each: Amount | None = None
    image: str | None = None
    pack: Pack | None = None

    @property
    def available(self) -> Decimal:
        """Stock less reservations: in its unit, so of a pack the number of whole packs."""
        return self.pool if self.pack is None else self.pool // self.pack.takes

    @property
    def pool(self) -> Decimal:
        """The product's stock less reservations, in the product's own unit."""
        return self.stock - self.reserved

    @property
    def variant_id(self) -> str | None:
        """The id of the pack size; None for the product itself."""
        return None if self.pack is None else self.pack.variant_id

    @property
    def price_unit(self) -> str:
        """The unit of ``price_per``."""
        return price_unit(self.unit, self.each)

    def taken(self, quantity: Decimal) -> Decimal:
        """What so much of it takes of the product's stock, in the product's unit."""
        return quantity if self.pack is None else quantity * self.pack.takes

    @property
    def known(self) -> Known:
        """The product as events name it."""
        return Known(self.id, self.slug, self.farm_id, self.farm_slug, self.restricted)

    @property
    def agreed(self) -> Agreed:
        """The terms that a buyer agrees to now."""
        return Agreed(
            unit=self.unit, price=self.price, price_per=self.price_per, quantity_step=self.quantity_step,
            min_quantity=self.min_quantity, each=self.each, pack=self.pack,
        )  # fmt: skip

    def total(self, quantity: Decimal) -> int:
        """The price of a quantity, in minor units; rounded once, half up. Of pieces that are priced by weight, the estimate."""
        return line_total(self.price, quantity * self._weight, self.price_per)

    def least_worth(self) -> Decimal:
        """The smallest multiple of its step that costs more than 0."""
        return least_worth(self.price, self.quantity_step * self._weight, self.price_per) / self._weight

    @property
    def _weight(self) -> Decimal:
        return ONE if self.each is None else self.each.quantity


def named_by(key: str, shelf: Mapping[str, OnSale], product_id: str) -> str:
    """The field that names what cannot be ordered: its pack size where the product is for sale and that is not, else the product."""
    product, pack = shelf.get(product_id), shelf.get(key)
    other = product is not None and product.status == "published" and (pack is None or pack.status != "published")
    return "variant_id" if other and key != product_id else "product_id"


def withheld(field: str, product: OnSale | None, today: date | None) -> FieldError | None:
    """Why a product cannot be ordered on a day (None: on any), in any quantity; None if it can."""
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
    until = None if today is None else away_until(product.away, today)
    if until is not None:
        last = until.isoformat()
        message = f"{product.title} cannot be ordered: {product.farm_name} is away until {formatting.season_day(last)}"
        params = {"until": last, "title": product.title, "farm": product.farm_name}
        return FieldError(field, message, code=FARM_AWAY, params=params)
    last_day = None if today is None else _over(product.facts, today)
    if last_day is not None:
        message = f"{product.title} cannot be ordered: it was to be used by {formatting.season_day(last_day)}"
        return FieldError(field, message, code=PAST_USE_BY, params={"until": last_day, "title": product.title})
    if today is not None and not in_season(product.season_from, product.season_to, today):
        season = {"from": product.season_from or "", "to": product.season_to or "", "title": product.title}
        message = f"{product.title} is out of season ({formatting.season(season['from'], season['to'])})"
        return FieldError(field, message, code="out-of-season", params=season)
    return None


def _over(facts: Mapping[str, Any], today: date) -> str | None:
    """The last day of food that may not be eaten any more; None for all other."""
    durability = facts.get("durability")
    if durability is None or durability["kind"] != "use_by" or durability["date"] >= today.isoformat():
        return None
    return str(durability["date"])


def takeable(field: str, quantity: Decimal, product: OnSale) -> Decimal | FieldError:
    """The quantity of an order line: a multiple of the product's step, at least its minimum, and worth at least one
    minor unit unless the product is free; or its fault."""
    value = orderable(field, quantity, product.quantity_step, product.min_quantity, product.unit)
    if isinstance(value, FieldError) or not product.price or product.total(value):
        return value
    least = product.least_worth()
    message = f"comes to nothing at this price; take at least {formatting.quantity(least, product.unit)}"
    return FieldError(field, message, code="below-minimum", params={"minimum": shown(least), "unit": product.unit})


@attrs.frozen
class Change:
    """One term that changed since it was agreed to. ``code`` names it, ``params`` have ``before`` and
    ``after`` as values, and the product they are about."""

    code: str
    message: str
    params: dict[str, str]


def changes(seen: Agreed, product: OnSale, currency: str) -> Iterator[Change]:
    """The agreed terms that have changed. 1 kg and 1000 g are the same, and so are 2.00 for 500 g and 4.00 for 1 kg. What a pack takes, and what
    a piece is estimated to weigh, is among them."""
    now, title = product.agreed, product.title
    units = {"unit": now.unit, "unit_before": seen.unit}
    if seen.unit != now.unit:
        message = f"The unit of {title} was {seen.unit} and is {now.unit} now; set its quantity anew"
        yield Change("unit-changed", message, {"before": seen.unit, "after": now.unit, "title": title})
    if not _costs_the_same(seen, now):
        yield _price_change(seen, now, title, currency)
    yield from _contents(seen, now, title)
    for name, (code, words) in _AMOUNTS.items():
        before, after = getattr(seen, name), getattr(now, name)
        if before != in_unit(after, now.unit, seen.unit, after):
            was, is_ = formatting.quantity(before, seen.unit), formatting.quantity(after, now.unit)
            message = f"The {words} of {title} was {was} and is {is_} now"
            yield Change(code, message, {"before": shown(before), "after": shown(after), "title": title, **units})


#: By field of :class:`Agreed`: the code of its change, and its name in messages.
_AMOUNTS = {"quantity_step": ("step-changed", "step"), "min_quantity": ("minimum-changed", "least quantity")}


def _contents(seen: Agreed, now: Agreed, title: str) -> Iterator[Change]:
    """Changes of what one of it is: the estimated weight of a piece, the contents of a pack."""
    for code, words, before, after in (
        ("weight-changed", "estimated weight", seen.each, now.each),
        ("content-changed", "content", seen.content, now.content),
    ):
        if before is None or after is None or _equal(before, after):
            continue  # without one, it has another price, or is another thing
        was, is_ = (formatting.quantity(one.quantity, one.unit) for one in (before, after))
        message = f"The {words} of {title} was {was} and is {is_} now"
        params = {"before": shown(before.quantity), "after": shown(after.quantity), "title": title}
        yield Change(code, message, {**params, "unit": after.unit, "unit_before": before.unit})


def _equal(one: Amount, other: Amount) -> bool:
    return other.unit in alike(one.unit) and one.quantity == in_unit(other.quantity, other.unit, one.unit, ONE)


def _costs_the_same(seen: Agreed, now: Agreed) -> bool:
    if (seen.each is None) != (now.each is None) or (seen.each and now.price_unit not in alike(seen.price_unit)):
        return False
    per = in_unit(now.price_per, now.price_unit, seen.price_unit, now.price_per)
    return seen.price * per == now.price * seen.price_per


def _price_change(seen: Agreed, now: Agreed, title: str, currency: str) -> Change:
    units = {"unit": now.price_unit, "unit_before": seen.price_unit}
    full = seen.price_unit != now.price_unit or seen.price_per != now.price_per
    was, is_ = (formatting.price(one.price, currency, one.price_per, one.price_unit, full=full) for one in (seen, now))
    message = f"The price of {title} was {was} and is {is_} now"
    per = {"per_before": shown(seen.price_per), "per_after": shown(now.price_per)}
    params = {"before": str(seen.price), "after": str(now.price), "currency": currency, "title": title}
    return Change("price-changed", message, {**params, **per, **units})

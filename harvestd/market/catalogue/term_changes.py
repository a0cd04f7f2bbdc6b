"""Which terms of a product are others by now than those that its buyer agreed to. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from harvestd.kernel import formatting
from harvestd.kernel.quantities import ONE, shown
from harvestd.kernel.units import Amount, alike, in_unit
from harvestd.market.catalogue.on_sale import Agreed, OnSale


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

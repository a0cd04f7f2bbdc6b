"""Products: what a farm may offer, and how an offer changes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Literal

import attrs

from harvestd.market import families
from harvestd.market.errors import FieldError, Invalid
from harvestd.market.events import Event
from harvestd.market.quantities import PLACES, PRICE_MOST, exact, not_negative, positive
from harvestd.market.seasons import Season

Unit = Literal["kg", "g", "lb", "each", "bunch", "box", "litre"]
Status = Literal["draft", "published", "archived"]

#: The step of each unit where the farm names none: what is weighed or poured is sold by any amount that can be written.
DEFAULT_STEP: dict[str, Decimal] = {
    "kg": PLACES, "g": Decimal(1), "lb": PLACES, "litre": PLACES, "each": Decimal(1), "bunch": Decimal(1), "box": Decimal(1),
}  # fmt: skip
TAGS_MOST, TAG_LENGTH_MOST = 20, 40


@attrs.frozen(kw_only=True)
class Offer:
    """What a farm says of a product; the fields that it may change."""

    title: str
    description: str
    category_id: str | None
    unit: str
    price: int
    quantity_step: Decimal
    min_quantity: Decimal
    season: Season | None
    harvested_on: date | None
    tags: tuple[str, ...]
    status: str


def checked(offer: Offer) -> Offer:
    """The offer in its normal form; raises :class:`Invalid` with every field that is wrong."""
    errors: list[FieldError] = []
    title = offer.title.strip()
    if not 1 <= len(title) <= 200:
        errors.append(FieldError("title", "must have 1 to 200 characters"))
    if len(offer.description) > 10_000:
        errors.append(FieldError("description", "must have at most 10,000 characters"))
    if not 0 <= offer.price <= PRICE_MOST:
        errors.append(FieldError("price", f"must be 0 to {PRICE_MOST}, in minor units of the currency (1250 is 12.50)"))
    step = positive("quantity_step", offer.quantity_step)
    same = offer.min_quantity == offer.quantity_step  # then one word about it is enough
    least = step if same else positive("min_quantity", offer.min_quantity)
    errors += [fault for fault in dict.fromkeys((step, least)) if isinstance(fault, FieldError)]
    if not isinstance(step, FieldError) and not isinstance(least, FieldError) and least % step:
        errors.append(FieldError("min_quantity", "must be a multiple of quantity_step"))
    tags = tuple(dict.fromkeys(tag.strip().lower() for tag in offer.tags))
    if len(tags) > TAGS_MOST or any(not 1 <= len(tag) <= TAG_LENGTH_MOST for tag in tags):
        errors.append(FieldError("tags", f"must be at most {TAGS_MOST} tags of 1 to {TAG_LENGTH_MOST} characters"))
    if errors:
        raise Invalid("the product cannot be accepted", tuple(errors))
    return attrs.evolve(offer, title=title, tags=tags)


def opening_stock(stock: Decimal) -> Decimal:
    """The stock that a new product begins with; raises :class:`Invalid`."""
    value = not_negative("stock", stock)
    if isinstance(value, FieldError):
        raise Invalid("the product cannot be accepted", (value,))
    return value


def new_level(stock: Decimal, reserved: Decimal, *, set_to: Decimal | None, change: Decimal | None) -> Decimal:
    """The stock after a farm's correction; raises :class:`Invalid` when it would fall below what buyers hold."""
    if (set_to is None) == (change is None):
        raise Invalid.of("set", "give either set (the new level) or change (what is added or taken), not both")
    field, asked = ("set", set_to) if set_to is not None else ("change", change)
    assert asked is not None
    value = exact(asked)
    if value is None:
        raise Invalid.of(field, "must be a number with at most three decimals")
    level = value if field == "set" else exact(stock + value)
    if level is None or level < 0:
        raise Invalid.of(field, f"would leave a stock below 0 or too large; there are {stock}")
    if level < reserved:
        raise Invalid.of(field, f"would leave {level}, but {reserved} are reserved for orders; cancel those first")
    return level


@attrs.frozen
class Known:
    """How events and caches name a product."""

    id: str
    slug: str
    farm_id: str
    farm_slug: str


def happened(kind: Literal["created", "updated", "deleted"], product: Known, version: int, changed: list[str]) -> Event:
    """The event of a catalogue change; ``version`` is the product's revision."""
    data: dict[str, Any] = {
        "product_id": product.id, "farm_id": product.farm_id, "changed": changed,
        "families": list(
            families.product(
                product.id, product.slug, product.farm_id, product.farm_slug, changed if kind == "updated" else None
            )
        ),
    }  # fmt: skip
    return Event(f"product.{kind}", f"product:{product.id}", version, data)

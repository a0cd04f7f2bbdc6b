"""Whether a product that is on sale can be ordered, and in which quantities. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from harvestd.kernel import formatting
from harvestd.kernel.errors import FieldError
from harvestd.kernel.quantities import orderable, shown
from harvestd.kernel.seasons import in_season
from harvestd.market.catalogue.on_sale import OnSale
from harvestd.market.farms.day_rules import away_until

#: Why a product cannot be ordered although it is on sale: its farm has no member with an account.
NOBODY_THERE = "nobody-there"
#: The same: it is the buyer's own, who may not order from it here.
OWN_FARM = "own-farm"
#: The same: it is on holiday.
FARM_AWAY = "farm-away"
#: The same: the day until which it may be eaten is over (Regulation (EU) 1169/2011, article 24). What is best before a day may be sold after it.
PAST_USE_BY = "past-use-by"


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
    if product.own:
        message = f"{product.title} cannot be ordered: you belong to {product.farm_name}"
        params = {"reason": OWN_FARM, "title": product.title, "farm": product.farm_name}
        return FieldError(field, message, code="not-for-sale", params=params)
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

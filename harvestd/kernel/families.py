"""Families of cached responses: the invalidation tags of a change.

An event carries the families that it invalidates in ``data["families"]``, so its consumers need no lookup.
A page depends on ``product:<id or slug>``. A listing depends on the products that it shows, each by ``product:<id>``, and on
the families that may add or remove one: ``products:all`` or, for a farm's listing, ``products:farmer:<farm>``, for a category's,
``products:category:<category>`` of it and all below it (or ``products:category:any``, where an event does not say which one it is); and
``products:prices`` or ``products:amounts`` if it filters or sorts by them. So a sale does not invalidate listings that do not
show the product. Search depends on ``products:changed``, any change at all. All of them depend on ``catalogue``, which is dropped
by rare changes visible everywhere: a farm or a category is renamed; search on ``search:rules``, too, which the staff's rules change, and on ``search:indexed``: what was asked between a change and its indexing, by
whichever engine answers, is not kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from harvestd.kernel.events import Event

CATALOGUE = "catalogue"
PRODUCTS = "products:all"
CHANGED, PRICES, AMOUNTS = "products:changed", "products:prices", "products:amounts"
FARMS = "farms:all"
CATEGORIES = "categories:all"
RULES, INDEXED = "search:rules", "search:indexed"
#: Lists of market days, and of pick-up points.
MARKET_DAYS, PICKUP_POINTS = "market_days:all", "pickup_points:all"
SIGN_INS = "session:"


def farm(*tokens: str) -> tuple[str, ...]:
    """The families of a farm's pages and listings, by its id and slug."""
    return tuple(family for token in tokens for family in (f"farm:{token}", of_farm(token)))


def market_day(day_id: str) -> str:
    """The family of what shows a market day."""
    return f"market_day:{day_id}"


def pickup_point(point_id: str) -> str:
    """The family of what shows a pick-up point of the market."""
    return f"pickup_point:{point_id}"


def of_farm(token: str) -> str:
    """The family of listings of one farm's products, by its id or slug."""
    return f"products:farmer:{token}"


#: Of what may be in any category.
ANY_CATEGORY = "products:category:any"


def of_category(token: str) -> str:
    """The family of listings of a category's products, by its id."""
    return f"products:category:{token}"


#: Changes of a product that move it only in some listings; any other change may move it in all.
_MOVES: dict[str, tuple[str, ...]] = {
    "title": (), "description": (), "sku": (), "external_id": (), "gtin": (), "lot": (), "ingredients": (), "origin": (),
    "storage": (), "durability": (), "certifications": (), "metadata": (), "images": (), "harvested_on": (), "quantity_step": (), "min_quantity": (),
    "farm": (), "category": (), "search": (),  # copied only by search: the rest is dropped with ``catalogue``
    "sold_by": (), "priced_by": (PRICES,), "estimated_weight": (), "variants": (),
    "price": (PRICES,), "price_per": (PRICES,), "prices": (PRICES,), "markdown": (PRICES,), "prior_price": (), "stock": (AMOUNTS,), "available": (AMOUNTS,), "sales": (AMOUNTS,),
}  # fmt: skip


def shown(product_id: str) -> str:
    """The family of responses that show a product."""
    return f"product:{product_id}"


def product(
    product_id: str, slug: str, farm_id: str, farm_slug: str, changed: Collection[str] | None = None,
    categories: Collection[str | None] | None = None,
) -> tuple[str, ...]:  # fmt: skip
    """The families of a product's pages, and of listings that may gain or lose it: for any change, or only for ``changed``. ``categories`` are those that it
    is in, or was; None: any."""
    own = (shown(product_id), f"product:{slug}", CHANGED)
    if changed is not None and all(name in _MOVES for name in changed):
        return own + tuple(merged(_MOVES[name] for name in changed))
    within = [ANY_CATEGORY] if categories is None else [of_category(one) for one in dict.fromkeys(categories) if one]
    return (*own, PRODUCTS, of_farm(farm_id), of_farm(farm_slug), *within)


def sign_ins(user_id: str) -> str:
    """The family of a user's cached sign-ins."""
    return f"{SIGN_INS}{user_id}"


def families_of(event: Event) -> tuple[str, ...]:
    """The families that an event invalidates."""
    return tuple(event.data.get("families", ()))


def merged(families: Iterable[Iterable[str]]) -> list[str]:
    """The families deduplicated, in order of first mention; as a list, for an event's data."""
    return list(dict.fromkeys(f for group in families for f in group))


def stale(aggregate: str, version: int, *families: str) -> Event:
    """An event that only invalidates families."""
    data: dict[str, Any] = {"families": list(families), "version": version}
    return Event("cache.invalidate", aggregate, version, data)

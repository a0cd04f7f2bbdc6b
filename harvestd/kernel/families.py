"""Families of cached answers: what a change makes stale.

An event carries the families that it touches in ``data["families"]``, so whoever hears of it needs to look nothing up.
A page depends on ``product:<id or slug>``. A listing depends on the products that it shows, each by ``product:<id>``, and on
whatever may bring another into it or out of it: ``products:all`` or, when it is one farm's, ``products:farmer:<farm>``; and
``products:prices`` or ``products:amounts`` if it filters or sorts by them. So a sale leaves the listings alone that do not
show what was sold. Search depends on ``products:changed``, any change at all. And all of them depend on ``catalogue``, which
the rare changes drop that show everywhere: a farm or a category is renamed.
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
SIGN_INS = "session:"


def farm(*tokens: str) -> tuple[str, ...]:
    """The pages and listings of a farm, known by its id and slug."""
    return tuple(f"{kind}:{token}" for token in tokens for kind in ("farm", "products:farmer"))


#: What changes of a product that moves it only in some listings; any other change may move it in all.
_MOVES: dict[str, tuple[str, ...]] = {
    "title": (), "description": (), "harvested_on": (), "quantity_step": (), "min_quantity": (),
    "farm": (), "category": (), "search": (),  # only search copies those: the rest dropped with ``catalogue``
    "price": (PRICES,), "price_per": (PRICES,), "stock": (AMOUNTS,), "available": (AMOUNTS,), "sales": (AMOUNTS,),
}  # fmt: skip


def shown(product_id: str) -> str:
    """What an answer depends on that shows a product."""
    return f"product:{product_id}"


def product(
    product_id: str, slug: str, farm_id: str, farm_slug: str, changed: Collection[str] | None = None
) -> tuple[str, ...]:
    """Everything that shows one product, and all listings where it may come or go: whatever changed, or only ``changed``."""
    own = (shown(product_id), f"product:{slug}", CHANGED)
    if changed is not None and all(name in _MOVES for name in changed):
        return own + tuple(merged(_MOVES[name] for name in changed))
    return (*own, PRODUCTS, f"products:farmer:{farm_id}", f"products:farmer:{farm_slug}")


def sign_ins(user_id: str) -> str:
    """What is remembered of a person's sign-ins."""
    return f"{SIGN_INS}{user_id}"


def families_of(event: Event) -> tuple[str, ...]:
    """What an event made stale."""
    return tuple(event.data.get("families", ()))


def merged(families: Iterable[Iterable[str]]) -> list[str]:
    """Each family once, in the order of first mention; as a list, for an event's data."""
    return list(dict.fromkeys(f for group in families for f in group))


def stale(aggregate: str, version: int, *families: str) -> Event:
    """The event that tells of stale families alone."""
    data: dict[str, Any] = {"families": list(families), "version": version}
    return Event("cache.invalidate", aggregate, version, data)

"""Families of cached answers: what a change makes stale.

An event carries the families that it touches in ``data["families"]``, so whoever hears of it needs to look nothing up.
A listing depends on ``products:all`` or, when it is one farm's, on ``products:farmer:<farm>``; a page on
``product:<id or slug>``; and all of them on ``catalogue``, which the rare changes drop that show everywhere: a farm or a
category is renamed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from harvestd.market.events import Event

CATALOGUE = "catalogue"
PRODUCTS = "products:all"
FARMS = "farms:all"
CATEGORIES = "categories:all"
SIGN_INS = "session:"


def farm(*tokens: str) -> tuple[str, ...]:
    """The pages and listings of a farm, known by its id and slug."""
    return tuple(f"{kind}:{token}" for token in tokens for kind in ("farm", "products:farmer"))


def product(product_id: str, slug: str, farm_id: str, farm_slug: str) -> tuple[str, ...]:
    """Everything that shows one product."""
    return (
        f"product:{product_id}", f"product:{slug}", PRODUCTS, f"products:farmer:{farm_id}", f"products:farmer:{farm_slug}",
    )  # fmt: skip


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

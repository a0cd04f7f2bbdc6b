"""What listings are sorted and filtered by: the order and the keyset of each sort, and the condition of each filter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import attrs

from harvestd.kernel.cursors import Int4
from harvestd.kernel.geography import box_around
from harvestd.market.catalogue import cards
from harvestd.store.following import SETTLED
from harvestd.store.nearness import distance_sql


@attrs.frozen
class Sort:
    """``order`` is total (it ends with the id); ``after`` compares with the bound key of the last row seen, whose columns
    are ``key``: column, PostgreSQL's type, Python's."""

    order: str
    after: str
    key: tuple[tuple[str, str, Any], ...]


_ID = ("id", "uuid", UUID)
SORTS: dict[str, Sort] = {
    "newest": Sort("p.id desc", "p.id < {0}", (_ID,)),
    "price": Sort("p.price, p.id", "(p.price, p.id) > ({0}, {1})", (("price", "bigint", int), _ID)),
    "-price": Sort("p.price desc, p.id desc", "(p.price, p.id) < ({0}, {1})", (("price", "bigint", int), _ID)),
    "popular": Sort("p.sales desc, p.id desc", "(p.sales, p.id) < ({0}, {1})", (("sales", "integer", Int4), _ID)),
    "rating": Sort(
        "p.rating_average desc, p.id desc",
        "(p.rating_average, p.id) < ({0}, {1})",
        (("rating_average", "numeric", Decimal), _ID),
    ),
}
#: What follows the changes of a farm's products: the oldest change first, as far as no transaction that goes on can add one before the last.
CHANGED = "changed"
ORDERS = SORTS | {
    CHANGED: Sort(
        "p.changed_in, p.id", "(p.changed_in, p.id) > ({0}, {1})", (("changed_in", "bigint", int), _ID)
    )
}  # fmt: skip

#: The farms in a circle. The array holds a position, a radius and its bounding box, from :func:`within`: the index covers the box.
FARMS_WITHIN = f"""select id from farms where latitude between {{0}}[4] and {{0}}[5] and longitude between {{0}}[6] and {{0}}[7]
       and {distance_sql("latitude", "longitude", "{0}[1]", "{0}[2]")} <= {{0}}[3]"""
_WITHIN = f"p.farm_id in ({FARMS_WITHIN})"
#: Each filter by its field of :class:`Filters`: condition and type of its one value; flags bind no value. Of farms in a circle PostgreSQL cannot say how many
#: they are: as it stands here, the condition is only looked at on the way through the order (``near_choice.py`` names them where they are few).
FILTERS: dict[str, tuple[str, str]] = {
    "category_id": ("p.category_id = {0}", "uuid"),
    "category_ids": ("p.category_id = any({0})", "uuid[]"),
    "farm_id": ("p.farm_id = {0}", "uuid"),
    "farm_ids": ("p.farm_id = any({0})", "uuid[]"),
    "tags": ("p.tags && {0}", "text[]"),
    "unit": ("p.unit = {0}", "text"),
    "units": ("p.unit = any({0})", "text[]"),
    "min_price": ("p.price >= {0}", "bigint"),
    "max_price": ("p.price <= {0}", "bigint"),
    "in_stock": ("p.stock > p.reserved", ""),
    "member_id": ("p.farm_id in (select farm_id from farm_members where user_id = {0})", "uuid"),
    "own_farm_id": ("p.farm_id = {0}", "uuid"),
    "ids": ("p.id = any({0})", "uuid[]"),
    "updated_since": (f"p.updated_at >= {{0}} and p.changed_in < {SETTLED}", "timestamptz"),
    "status": ("p.status = {0}", "text"),
    "in_season": (cards.season_sql("{0}"), "text"),
    "within": (f"({_WITHIN}) is true", "float8[]"),
    "free_from": ("not p.allergens && {0}", "text[]"),
    "benefits": ("f.benefits && {0}", "text[]"),
}

#: Filters for which one generic plan suits every value. The others are worth planning for each value.
ANY_VALUE = frozenset({"farm_id", "in_stock", "own_farm_id", "updated_since"})
#: Filters of what the farm is.
OF_FARMS = frozenset({"benefits"})
#: Filters that show what is not published, since it is the caller's own.
OWN = frozenset({"member_id", "own_farm_id"})


@attrs.frozen(kw_only=True)
class Filters:
    """The filters of a listing; any of several values of a field matches. ``in_season`` is the day (YYYY-MM-DD) to be in season on.
    Products of the farms of ``member_id``, or of the caller's only one, ``own_farm_id``, are listed in any status, or in ``status``; all others only if
    published, and of farms that are found. ``updated_since`` goes with the order :data:`CHANGED`."""

    category_id: str | None = None
    category_ids: Sequence[str] | None = None
    farm_id: str | None = None
    farm_ids: Sequence[str] | None = None
    tags: Sequence[str] | None = None
    unit: str | None = None
    units: Sequence[str] | None = None
    min_price: int | None = None
    max_price: int | None = None
    in_stock: bool = False
    in_season: str | None = None
    member_id: str | None = None
    own_farm_id: str | None = None
    ids: Sequence[str] | None = None
    updated_since: datetime | None = None
    status: str | None = None
    within: Sequence[float] | None = None
    free_from: Sequence[str] | None = None
    benefits: Sequence[str] | None = None

    @classmethod
    def of(
        cls, *, categories: Sequence[str] = (), farms: Sequence[str] = (), units: Sequence[str] = (), **more: Any
    ) -> Filters:
        """Filters with any of these categories, farms and units; a single one is compared with ``=``, which can use the index of the sort."""
        for name, given in (("category_id", categories), ("farm_id", farms), ("unit", units)):
            if given:
                more[name if len(given) == 1 else f"{name}s"] = given[0] if len(given) == 1 else given
        bound: dict[str, Any] = {n: list(value) if isinstance(value, tuple) else value for n, value in more.items()}
        return cls(**bound)


def within(latitude: float, longitude: float, radius: float) -> list[float]:
    """The value of the filter for positions within ``radius`` km of one in degrees."""
    box = box_around(latitude, longitude, radius)
    return [latitude, longitude, radius, box.south, box.north, box.west, box.east]

"""The sorts of a search, for both engines."""

from __future__ import annotations

from typing import NamedTuple


class Steps(NamedTuple):
    """The keys by which hits are found in the order of a sort: of what they are steps (``search_step`` in SQL), and whether they are right for members
    of groups, who may have prices of their own."""

    of: str
    of_groups: bool = True


class Order(NamedTuple):
    """A sort: ``rank`` of a document, greatest first (a fragment of SQL, and the engine's field with whether it is ascending),
    and whether ties go to the latest id; with the steps that follow the rank, if it has some."""

    rank: str
    field: str
    rising: bool
    latest: bool
    steps: Steps | None = None


#: Each sort, with the same meaning as in the listing.
ORDERS: dict[str, Order] = {
    "relevance": Order("", "_score", False, False),
    "newest": Order("0", "", False, True),
    "price": Order("-1000000 * coalesce(d.price, 0)", "price", True, False, Steps("price", False)),
    "-price": Order("1000000 * coalesce(d.price, 0)", "price", False, True, Steps("price", False)),
    "popular": Order("(1000000 * d.popularity::float8)::bigint", "sales", False, True, Steps("popular")),
    "rating": Order("(1000000 * d.rating::float8)::bigint", "rating", False, True, Steps("rating")),
}

"""The sorts of a search, for both engines."""

from __future__ import annotations

from typing import NamedTuple


class Order(NamedTuple):
    """A sort: ``rank`` of a document, greatest first (a fragment of SQL, and the engine's field with whether it is ascending),
    and whether ties go to the latest id."""

    rank: str
    field: str
    rising: bool
    latest: bool


#: Each sort, with the same meaning as in the listing.
ORDERS: dict[str, Order] = {
    "relevance": Order("", "_score", False, False),
    "newest": Order("0", "", False, True),
    "price": Order("-1000000 * coalesce(d.price, 0)", "price", True, False),
    "-price": Order("1000000 * coalesce(d.price, 0)", "price", False, True),
    "popular": Order("(1000000 * d.popularity::float8)::bigint", "sales", False, True),
    "rating": Order("(1000000 * d.rating::float8)::bigint", "rating", False, True),
}

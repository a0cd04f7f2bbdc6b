"""Every list continues after its cursor by a range of an index, also once its plan is a generic one: page 10,000 costs what
page 1 costs. Shown with the planner's own words: no sequential scan, no sort of the whole table, the cursor in the
condition of an index and not in a filter."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any, get_args

import psycopg2
import pytest

from harvestd.market.catalogue import cards, listing_terms, listings
from harvestd.market.catalogue import rows as products
from harvestd.market.farms import list_rows as farm_lists
from harvestd.market.notifications import rows as notifications
from harvestd.market.orders import following_rows, list_rows
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.statements import Statement
from harvestd.web.shapes import Limit

ID = "00000000-0000-7000-8000-000000000001"
VIEW = cards.View("EUR", "2026-06-01")
LISTS: dict[str, tuple[Statement[Any], list[Any], str]] = {
    "orders of a buyer": (
        list_rows._OF_BUYER,
        {"user_id": ID, "after": ID, "status": None, "day": None, "limit": 20},
        "orders_buyer",
    ),
    "orders of farms": (
        list_rows._OF_FARMS,
        {"user_id": ID, "after": ID, "status": None, "day": None, "limit": 20},
        "order_parts_farm",
    ),
    "all orders": (list_rows._ALL, {"after": ID, "status": None, "day": None, "limit": 20}, "orders_pkey"),
    "farms": (farm_lists._NEWEST[False], {"after": ID, "benefits": None, "limit": 20}, "farms_"),
    "notices": (notifications._FEED, {"user_id": ID, "after": ID, "unread": False, "limit": 20}, "notifications_user"),
    "products, for the index": (products._PAGE, {"after": ID, "limit": 20}, "products_pkey"),
}
VALUES = {"uuid": ID, "bigint": 5, "integer": 5, "numeric": 4.5}
for sort in listing_terms.SORTS:
    after = {f"after_{i}": VALUES[type_] for i, (_, type_, _) in enumerate(listing_terms.SORTS[sort].key)}
    LISTS[f"products by {sort}"] = (
        listings._statement(sort, (), True),
        {**after, "limit": 20, **VIEW.bound},
        "products_",
    )
LISTS["products of a farm, for its file"] = (products._OF_FARM, {"farm_id": ID, "after": ID, "limit": 20}, "products_")
LISTS["products of a farm, as they change"] = (
    listings._statement(listing_terms.CHANGED, ("own_farm_id", "updated_since"), True),
    {
        "after_0": 5,
        "after_1": ID,
        "own_farm_id": ID,
        "updated_since": "2026-06-01T00:00:00Z",
        "limit": 20,
        **VIEW.bound,
    },
    "products_changed",
)


_CHANGED = {"since": "2026-06-01T00:00:00Z", "status": None, "after": 5, "after_id": ID, "limit": 20}
LISTS |= {
    "orders, as they change": (following_rows.LISTS["manager"], _CHANGED, "orders_changed"),
    "orders of a buyer, as they change": (
        following_rows.LISTS["buyer"], _CHANGED | {"user_id": ID}, "orders_of_buyer_changed"
    ),
    "orders of farms, as they change": (
        following_rows.LISTS["farmer"], _CHANGED | {"user_id": ID}, "order_parts_changed"
    ),
}  # fmt: skip


def plan(url: str, statement: Statement[Any], values: dict[str, Any]) -> list[dict[str, Any]]:
    """The nodes of the generic plan, when tables are large."""
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "set plan_cache_mode = force_generic_plan; set enable_seqscan = off; set enable_bitmapscan = off"
            )
            cursor.execute(f"prepare asked as {statement.sql}")
            bound = statement.call(values)[2]
            holes = ", ".join(["%s"] * len(bound))
            cursor.execute(f"explain (format json, costs off) execute asked({holes})", bound)
            found = cursor.fetchone()[0]
    finally:
        connection.close()
    root = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return list(_nodes(root))


def _nodes(node: dict[str, Any]) -> Any:
    yield node
    yield from itertools.chain.from_iterable(_nodes(child) for child in node.get("Plans", ()))


@pytest.mark.parametrize("name", LISTS)
def test_a_page_begins_where_the_index_says(untouched_database_url: str, name: str) -> None:
    statement, values, index = LISTS[name]
    nodes = plan(untouched_database_url, statement, values)
    ranged = [
        n for n in nodes if n.get("Index Name", "").startswith(index) and re.search("[<>]", n.get("Index Cond", ""))
    ]
    assert ranged, f"no range of {index}*: {json.dumps(nodes, indent=1, default=str)}"
    assert not [n for n in nodes if n["Node Type"] == "Seq Scan"]


async def test_no_page_is_cut_without_a_word(database: Database) -> None:
    """The listing's statement has a limit of its own; the longest page that the route allows is below it."""
    longest = get_args(Limit)[1].le + 1
    assert longest <= listings.MAX
    await listings.products(database, listing_terms.Filters(), "newest", None, longest, VIEW)
    with pytest.raises(ValueError, match="would be cut"):
        await listings.products(database, listing_terms.Filters(), "newest", None, listings.MAX + 1, VIEW)

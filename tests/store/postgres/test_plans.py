"""Every statement that a request or a worker waits for finds what it reads by an index, at 100,000 products as at ten."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import attrs
import psycopg2
import pytest

from harvestd.assembly.clock import new_id
from harvestd.interfaces import Search, Suggestion
from harvestd.loading.synthetic import bulk_load, catalogue
from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts import sign_ins as sessions
from harvestd.market.carts import item_rows
from harvestd.market.carts import rows as carts
from harvestd.market.catalogue import cards, listing_terms, listings, shelf_rows
from harvestd.market.catalogue import category_rows as categories
from harvestd.market.catalogue import rows as products
from harvestd.market.catalogue import stock_rows as stock
from harvestd.market.farms import list_rows as farm_lists
from harvestd.market.farms import near_rows as near
from harvestd.market.farms import rows as farms
from harvestd.market.farms import turning_rows
from harvestd.market.feeds import sitemap_rows as maps
from harvestd.market.notifications import mail_rows as mails
from harvestd.market.notifications import rows as notifications
from harvestd.market.orders import (
    answer_rows,
    farm_list_rows,
    following_rows,
    fulfilment_rows,
    list_rows,
    order_keys,
    quote_rows,
)
from harvestd.market.orders import rows as orders
from harvestd.market.search import group_titles
from harvestd.market.search.postgres import pending as search_pending
from harvestd.market.search.postgres.engine import PostgresSearch
from harvestd.market.search.postgres.suggest import known, suggest
from harvestd.store import dead_letters, idempotency, idempotency_groups, inbox, outbox, queues
from harvestd.store.postgres.statements import Statement
from harvestd.tables import TOPOLOGY
from servers import PostgresServer
from tests.store.postgres.plans import ONCE, USES, Planner, faults, finished, nodes

pytestmark = pytest.mark.xdist_group("plans")

PRODUCTS, FARMS = 100_000, 10_000
NOW = datetime.now(UTC)
VIEW = cards.View("EUR", "2026-06-01")
USER, ORDER = "00000000-0000-7000-8000-000000000309", "00000000-0000-7000-9000-000000007530"
KEYS = [idempotency_groups.Claim(USER, f"k{n}", b"x") for n in range(20)]
MANY = [USER[:-2] + f"{n:02d}" for n in range(20)]
OF_FARM = farm_list_rows.Wanted(USER, None)

Reads = Callable[[Any], Awaitable[Any]]


@pytest.fixture(scope="module")
def market(postgres: PostgresServer) -> Iterator[Any]:
    """A connection to a market with much in every table."""
    name = postgres.clone()
    connection = psycopg2.connect(postgres.url(name))
    try:
        indexes = _dropped(connection)  # made anew of all rows, which takes a fraction of the time
        for seed, part, language in (
            (1, 0.75, None),
            (2, 0.25, "english"),
        ):  # documents take longest: a quarter is many
            plan = catalogue.Plan(int(PRODUCTS * part), int(FARMS * part), seed, NOW, new_id)
            bulk_load.bulk_load(connection, plan, language, lambda what, done: None)
        with connection, connection.cursor() as cursor:
            cursor.execute("; ".join(["set local maintenance_work_mem = '128MB'", *indexes]))
        with connection, connection.cursor() as cursor:
            cursor.execute((Path(__file__).parent / "bigmarket.sql").read_text())
        connection.autocommit = True
        connection.cursor().execute("vacuum (analyze)")
        connection.autocommit = False
        yield connection
    finally:
        connection.close()
        postgres.drop(name)


def _dropped(connection: Any) -> list[str]:
    """The statements that make the indexes of the largest tables, which are dropped."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index
                where indrelid in ('products'::regclass, 'stock_ledger'::regclass, 'search_documents'::regclass) and not indisunique"""
        )
        found = cursor.fetchall()
        cursor.execute(f"drop index {', '.join(name for name, _ in found)}")
    return [definition for _, definition in found]


@pytest.fixture(scope="module")
def big(market: Any) -> set[str]:
    """The tables that no request may read the whole of."""
    with market.cursor() as cursor:
        cursor.execute(
            "select relname from pg_class where relkind = 'r' and reltuples >= 5000 and relnamespace = 'public'::regnamespace"
        )
        return {name for (name,) in cursor.fetchall()}


@pytest.fixture(scope="module")
def middle(market: Any) -> products.Product:
    """A product in the midst of them."""
    with market.cursor() as cursor:
        cursor.execute("select id from products order by id limit 1 offset 50000")
        planner = Planner(market, "at first")
        (found,) = finished(products.by_ids(planner, [cursor.fetchone()[0]]))
    planner.forget()
    return found


def test_the_market_is_large_enough_to_tell(big: set[str]) -> None:
    assert big >= {
        "products", "farms", "users", "orders", "order_parts", "order_lines", "notifications", "carts", "cart_items", "outbox",
        "queue_messages", "queue_dead", "search_documents", "stock_ledger", "reservations", "mails", "inbox", "refresh_tokens",
        "sign_ins",
    }  # fmt: skip


# --- the product listing: every sort with every filter, first page and later ---

FILTERS: dict[str, Callable[[products.Product], dict[str, Any]]] = {
    "all": lambda p: {},
    "category_id": lambda p: {"category_id": p.category_id},
    "farm_id": lambda p: {"farm_id": p.farm_id},
    "farms": lambda p: {"farm_ids": [p.farm_id, USER]},
    "tag": lambda p: {"tags": ["organic"]},
    "tags": lambda p: {"tags": ["organic", "heirloom"]},
    "rare tag": lambda p: {"tags": ["spicy"]},
    "unit": lambda p: {"units": ["kg"]},
    "units": lambda p: {"units": ["bunch", "box"]},
    "near": lambda p: {"within": listing_terms.within(p.latitude or 44.0, p.longitude or -73.0, 25.0)},
    "wide": lambda p: {"within": listing_terms.within(p.latitude or 44.0, p.longitude or -73.0, 500.0)},
    "min_price": lambda p: {"min_price": 500},
    "max_price": lambda p: {"max_price": 500},
    "in_stock": lambda p: {"in_stock": True},
    "in_season": lambda p: {"in_season": "2026-07-01"},
    "category, in stock": lambda p: {"category_id": p.category_id, "in_stock": True},
    "category, tag": lambda p: {"category_id": p.category_id, "tags": ["organic"]},
    "farm, in stock": lambda p: {"farm_id": p.farm_id, "in_stock": True},
    "benefit": lambda p: {"benefits": ["snap"]},
    "benefit of none": lambda p: {"benefits": ["incentives"]},
    "free from": lambda p: {"free_from": ["nuts", "milk"]},
    "ids": lambda p: {"ids": [p.id, *(new_id() for _ in range(99))]},
    "all of it": lambda p: {
        "category_id": p.category_id,
        "tags": ["organic"],
        "units": ["kg"],
        "min_price": 100,
        "max_price": 900,
        "in_stock": True,
        "in_season": "2026-07-01",
        "free_from": ["nuts"],
        "benefits": ["snap", "wic"],
    },
    "price range": lambda p: {"min_price": 300, "max_price": 400},
    "in season, in stock": lambda p: {"in_season": "2026-07-01", "in_stock": True},
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("sort", listing_terms.SORTS)
def test_the_listing_of_several_categories(
    market: Any, big: set[str], middle: products.Product, sort: str, use: str
) -> None:
    with market.cursor() as cursor:
        cursor.execute("select id::text from categories order by id limit 4")
        filters = listing_terms.Filters(category_ids=[id for (id,) in cursor.fetchall()])
    _refuse(market, big, use, partial(listings.products, filters=filters, sort=sort, after=None, limit=21, view=VIEW))


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("sort", listing_terms.SORTS)
@pytest.mark.parametrize("which", FILTERS)
def test_the_listing(market: Any, big: set[str], middle: products.Product, which: str, sort: str, use: str) -> None:
    filters = listing_terms.Filters(**FILTERS[which](middle))
    for after in (None, [getattr(middle, column) for column, _, _ in listing_terms.SORTS[sort].key]):
        _refuse(
            market,
            big,
            use,
            partial(listings.products, filters=filters, sort=sort, after=after, limit=21, view=VIEW),
        )


@pytest.mark.parametrize("sort", listing_terms.SORTS)
def test_a_deep_page_costs_what_the_first_one_costs(market: Any, middle: products.Product, sort: str) -> None:
    """Measured: pages of tables and indexes that are read."""
    after = [getattr(middle, column) for column, _, _ in listing_terms.SORTS[sort].key]
    read = []
    for key in (None, after):
        planner = Planner(market, "at first", measured=True)
        finished(listings.products(planner, listing_terms.Filters(), sort, key, 21, VIEW))
        planner.forget()
        (plan,) = planner.plans
        sorts = [node for node in nodes(plan.root) if node["Node Type"] == "Sort" and node["Plans"][0]["Plan Rows"] > 1]
        assert not sorts, f"more than the pictures of a product: {plan}"
        read.append(plan.root["Shared Hit Blocks"] + plan.root["Shared Read Blocks"])
    first, deep = read
    assert deep <= 2 * first + 50, f"{first} pages at first, {deep} after 50,000 products: {plan}"


@pytest.mark.parametrize("role", ["buyer", "farmer", "admin"])
def test_a_deep_page_of_orders_as_they_change_costs_what_the_first_one_costs(market: Any, role: str) -> None:
    """Also where all have one number, as here, and as those have that were there before numbers."""
    read = []
    for is_deep in (False, True):
        planner = Planner(market, "at first", measured=True)
        with market.cursor() as cursor:
            cursor.execute("select changed_in, id::text from orders order by id limit 1 offset 12000")
            place = cursor.fetchone()
        finished(
            following_rows.changes(planner, role, USER, NOW - timedelta(days=1), None, place if is_deep else None, 21)
        )
        planner.forget()
        (plan,) = planner.plans
        read.append(plan.root["Shared Hit Blocks"] + plan.root["Shared Read Blocks"])
    first, deep = read
    assert deep <= 2 * first + 50, f"{first} pages at first, {deep} later: {plan}"


# --- everything else that is waited for ---

READS: dict[str, Reads] = {
    "a product's id by slug": lambda r: products.id_of(r, "no-such-product"),
    "a product's card by id": lambda r: cards.find(r, USER, VIEW),
    "a product's card by slug": lambda r: cards.find(r, "no-such-product", VIEW),
    "cards of a page of hits": lambda r: cards.by_ids(r, [new_id() for _ in range(20)], VIEW),
    "products for a rebuild": lambda r: products.page(r, USER, 200),
    "a farm by slug": lambda r: farms.find(r, "no-such-farm"),
    "farms, newest": lambda r: farm_lists.newest(r, None, "", 21),
    "farms, newest, named": lambda r: farm_lists.newest(r, None, "acres green", 21),
    "farms, how many are named so": lambda r: farm_lists.count(r, "acres green"),
    "farms, newest, later": lambda r: farm_lists.newest(r, new_id(), "", 21),
    "farms that take a benefit": lambda r: farm_lists.newest(r, None, "", 21, ["snap"]),
    "farms that take a benefit, nearest": lambda r: near.nearest(r, (44.0, -73.0), None, "", None, 21, ["snap"]),
    "where the parts of a site map begin": lambda r: maps.parts(r, 10_000),
    "farms, nearest": lambda r: near.nearest(r, (44.0, -73.0), 25.0, "", None, 21),
    "farms, nearest, wide": lambda r: near.nearest(r, (44.0, -73.0), 500.0, "", None, 21),
    "farms, nearest, named": lambda r: near.nearest(r, (44.0, -73.0), 500.0, "acres", None, 21),
    "farms, nearest, later": lambda r: near.nearest(r, (44.0, -73.0), 500.0, "", (100.0, USER), 21),
    "farms, nearest, at any distance": lambda r: near.nearest(r, (44.0, -73.0), None, "", None, 21),
    "farms, nearest, at any distance, later": lambda r: near.nearest(r, (44.0, -73.0), None, "", (1000.0, USER), 21),
    "farms, nearest, far from all": lambda r: near.nearest(r, (-44.0, 107.0), None, "", None, 21),
    "farms, nearest, over the antimeridian": lambda r: near.nearest(r, (0.0, 179.9), 100.0, "", None, 21),
    "farms, nearest, at a pole": lambda r: near.nearest(r, (90.0, 0.0), 100.0, "", None, 21),
    "how many farms are near": lambda r: near.count(r, (44.0, -73.0), 25.0, ""),
    "how many farms have a place": lambda r: near.count(r, (44.0, -73.0), None, ""),
    "farms by ids": lambda r: farms.by_ids(r, [new_id() for _ in range(100)]),
    "farms whose day has come": lambda r: turning_rows.due(r, NOW.date(), 200),
    "slugs of a farm": lambda r: farms.slugs(r, USER),
    "a role in a farm": lambda r: farms.role(r, USER, USER),
    "categories": lambda r: categories.every(r),
    "a buyer's orders": lambda r: list_rows.of_buyer(r, USER, None, None, 21),
    "a buyer's orders, later": lambda r: list_rows.of_buyer(r, USER, ORDER, None, 21),
    "a buyer's orders of a status": lambda r: list_rows.of_buyer(r, USER, None, "placed", 21),
    "a buyer's orders, as they change": lambda r: following_rows.changes(r, "buyer", USER, NOW, None, None, 21),
    "a buyer's orders, as they change, later": lambda r: following_rows.changes(r, "buyer", USER, NOW, None, (5, ORDER), 21),
    "a farmer's orders, as they change": lambda r: following_rows.changes(r, "farmer", USER, NOW, None, None, 21),
    "a farmer's orders, as they change, later": lambda r: following_rows.changes(r, "farmer", USER, NOW, "placed", (5, ORDER), 21),
    "all orders, as they change": lambda r: following_rows.changes(r, "admin", USER, NOW, None, None, 21),
    "all orders, as they change, later": lambda r: following_rows.changes(r, "admin", USER, NOW, None, (5, ORDER), 21),
    "orders by ids": lambda r: following_rows.by_ids(r, [ORDER, *(new_id() for _ in range(20))]),
    "a farmer's orders": lambda r: list_rows.of_farms(r, USER, None, None, 21),
    "a farmer's orders, later": lambda r: list_rows.of_farms(r, USER, ORDER, None, 21),
    "a farmer's orders of a status": lambda r: list_rows.of_farms(r, USER, None, "placed", 21),
    "all orders": lambda r: list_rows.every(r, None, None, 21),
    "all orders, later": lambda r: list_rows.every(r, ORDER, None, 21),
    "all orders of a status": lambda r: list_rows.every(r, None, "placed", 21),
    "a farm's orders": lambda r: farm_list_rows.of_farm(r, OF_FARM, None, 21),
    "a farm's orders, later": lambda r: farm_list_rows.of_farm(r, OF_FARM, ORDER, 21),
    "a farm's orders of a status": lambda r: farm_list_rows.of_farm(r, attrs.evolve(OF_FARM, status="placed"), None, 21),
    "a buyer's orders at a farm": lambda r: farm_list_rows.of_farm(r, attrs.evolve(OF_FARM, user_id=USER), None, 21),
    "a buyer's orders at a farm, later": lambda r: farm_list_rows.of_farm(r, attrs.evolve(OF_FARM, user_id=USER, status="placed"), ORDER, 21),
    "a farm's orders of a market day": lambda r: farm_list_rows.of_farm(r, attrs.evolve(OF_FARM, day=USER), None, 21),
    "how many orders of a farm": lambda r: farm_list_rows.count(r, attrs.evolve(OF_FARM, status="placed")),
    "how many orders of a buyer at a farm": lambda r: farm_list_rows.count(r, attrs.evolve(OF_FARM, user_id=USER)),
    "the keys to an order": lambda r: order_keys.opens(r, ORDER, "key"),
    "parts and lines of a page of orders": lambda r: orders.parts_and_lines(r, [ORDER] * 20),
    "what was answered about a line": lambda r: answer_rows.said(r, ORDER, USER),
    "an order to move": lambda r: fulfilment_rows.lock(r, ORDER),
    "orders that are due": lambda r: fulfilment_rows.due(r, NOW, 100),
    "the products of an order": lambda r: shelf_rows.lock_for_order(r, [ORDER, USER], USER),
    "the products of several orders": lambda r: shelf_rows.lock_for_orders(r, [shelf_rows.Shelves([ORDER, USER], USER, "de")] * 20),
    "the reservations of an order": lambda r: stock.held(r, [ORDER]),
    "notices": lambda r: notifications.feed(r, USER, None, False, 21),
    "notices, later": lambda r: notifications.feed(r, USER, new_id(), False, 21),
    "notices not read": lambda r: notifications.feed(r, USER, None, True, 21),
    "how many notices": lambda r: notifications.count(r, USER),
    "how many notices not read": lambda r: notifications.unread(r, USER),
    "how many orders of a buyer": lambda r: list_rows.count_own(r, USER, None),
    "how many orders of a farmer": lambda r: list_rows.count_own_and_farms(r, USER, None),
    "how many orders of a farmer of a status": lambda r: list_rows.count_own_and_farms(r, USER, "placed"),
    "notices to mark read": lambda r: notifications.mark_read(r, USER, None, NOW),
    "what open orders have of a product": lambda r: stock.in_open_orders(r, USER),
    "whom to tell": lambda r: notifications.people(r, [USER], [USER]),
    "a buyer's cart": lambda r: carts.find(r, USER, None),
    "a stranger's cart": lambda r: carts.find(r, None, b"x"),
    "what is in a cart": lambda r: item_rows.items(r, USER),
    "several carts": lambda r: carts.lock_all(r, [*((id, None) for id in MANY), (None, b"x")]),
    "what is in several carts": lambda r: item_rows.items_of_all(r, MANY),
    "several quotes": lambda r: quote_rows.lock_all(r, MANY),
    "what several quotes hold": lambda r: quote_rows.held_by_each(r, MANY),
    "an account by address": lambda r: accounts.by_email(r, "5@example.org"),
    "a person's farms": lambda r: accounts.farms_of(r, USER),
    "a refresh token": lambda r: sessions.lock(r, b"x"),
    "sign-ins": lambda r: sessions.PostgresSignIns(r, lambda: NOW).live(USER, USER),
    "where somebody signed in": lambda r: sessions.known(r, USER, b"x"),
    "sign-ins to end": lambda r: sessions.end_all(r, USER, NOW),
    "sign-ins to forget": lambda r: sessions.delete_expired(r, NOW - timedelta(days=7), 1000),
    "an idempotency key": lambda r: idempotency.claim(r, USER, "k", b"x", NOW, 3600),
    "several idempotency keys": lambda r: idempotency_groups.claim(r, KEYS, NOW, 3600),
    "events to send": lambda r: outbox.unsent(r, 500),
    "the outbox's backlog": lambda r: outbox.backlog(r, NOW),
    "events to forget": lambda r: outbox.purge(r, NOW - timedelta(days=7), NOW - timedelta(days=70), TOPOLOGY.bindings),
    "events that were handled": lambda r: inbox.claim(r, "harvest.orders", [new_id() for _ in range(50)]),
    "marks to forget": lambda r: inbox.purge(r, NOW - timedelta(days=7)),
    "messages to take": lambda r: queues.take(r, "harvest.orders", 50, 1, 30),
    "messages to take, later": lambda r: queues.take(r, "harvest.orders", 50, 1, 30, NOW - timedelta(seconds=1)),
    "dead letters": lambda r: dead_letters.oldest(r, "harvest.orders", 100),
    "mails to send": lambda r: mails.claim(r, NOW, timedelta(minutes=1), 20),
    "what Elasticsearch lacks": lambda r: search_pending.oldest(r, 500),
    "documents for Elasticsearch": lambda r: search_pending.page(r, None, 500),
    "search": lambda r: _search(r, "Padron peppers willow"),
    "search, with filters of facets": lambda r: _search(r, "Padron peppers willow", unit="kg", min_price=100),
    "search, mistyped": lambda r: _search(r, "padrn pepers"),
    "search, nothing like it": lambda r: _search(r, "zzyzx"),
    "suggestions": lambda r: suggest(r, "pep", 10),
    "suggestions for a group": lambda r: group_titles.begin(r, [USER], "pep", 10),
    "what is suggested, now, for a group": lambda r: known(r, [Suggestion("x", "product", "x", USER, 1)], "", [USER]),
    "what is suggested, now": lambda r: known(r, [Suggestion("x", "product", "x", USER, 1), Suggestion("x", "farm", "x")]),
}  # fmt: skip


def _search(reader: Any, text: str, **filters: Any) -> Awaitable[Any]:
    return PostgresSearch(cast(Any, None), reader=reader).search(Search(text=text, **filters))


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("what", READS)
def test_what_is_waited_for(market: Any, big: set[str], what: str, use: str) -> None:
    _refuse(market, big, use, READS[what])


#: What transactions of requests do besides inserting, all of it by keys.
IN_REQUESTS = (
    "a product's id by slug", "a product's card by id", "a farm by slug", "a role in a farm", "parts and lines of a page of orders",
    "an order to move", "the products of an order", "the reservations of an order", "notices to mark read", "what is in a cart",
    "an account by address", "a person's farms", "a refresh token", "an idempotency key", "categories",
    "the products of several orders", "several idempotency keys", "several carts", "what is in several carts", "several quotes",
    "what several quotes hold",
)  # fmt: skip


@pytest.mark.parametrize("what", IN_REQUESTS)
def test_what_a_request_does_may_be_planned_once(market: Any, big: set[str], what: str) -> None:
    _refuse(market, big, ONCE, READS[what])


def test_what_is_refused_is_told(market: Any, big: set[str]) -> None:
    """The test itself: no index helps these two."""
    planner = Planner(market, "at first")
    finished(planner.rows(Statement("whole", "select title from products where title || '' = :value", str), value="x"))
    finished(
        planner.rows(
            Statement("sorted", "select title from products where price > :value order by title", str), value=0
        )
    )
    planner.forget()
    found = [faults(plan, big) for plan in planner.plans]
    assert found[0] == ["reads the whole of products"]
    assert found[1][0].startswith("sorts about "), str(planner.plans[1])


def _refuse(market: Any, big: set[str], use: str, reads: Reads) -> None:
    planner = Planner(market, use)
    try:
        finished(reads(planner))
    finally:
        planner.forget()
    assert planner.plans
    wrong = [f"{'; '.join(found)}\n{plan}" for plan in planner.plans if (found := faults(plan, big))]
    assert not wrong, "\n".join(wrong)

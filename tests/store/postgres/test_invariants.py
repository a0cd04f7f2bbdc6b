"""The invariants can fail: each is broken on purpose, and says so."""

from __future__ import annotations

import re

import psycopg2
import pytest

from harvestd.store.postgres.invariants import rules
from harvestd.tables import SUBJECTS, TOPOLOGY
from tests.people import Market
from tests.web.conftest import market, parts, web_settings  # noqa: F401

#: For each rule, what breaks it. Several statements at once; constraints that would prevent it are dropped first.
DAMAGE: dict[str, str] = {
    "stock below zero, or reserved above what is on hand": """
        alter table products drop constraint products_check, drop constraint products_stock_check;
        update products set stock = -1""",
    "the stock ledger does not add up to the stock": "update products set stock = stock + 1",
    "sales and returns in the ledger differ from the reservations that became them": """
        update stock_ledger set kind = 'return' where kind = 'sale'""",
    "reserved differs from the live reservations": "update products set reserved = reserved + 0.5",
    "the number of sales differs from the sold reservations": "update products set sales = sales + 1",
    "a product whose price is not the last one of its history": "delete from product_prices",
    "a markdown that ended over 60 s ago, and still counts": """
        update products set regular_price = price + 1, prior_price = 1, markdown_until = now() - interval '2 minutes', markdown_reason = ''""",
    "an order without lines or parts, or a line without its reservation": "delete from reservations",
    "a reservation that differs from its line": "update reservations set quantity = quantity + 1",
    "a line of a pack of another product, or a product with another number of pack sizes than it says": "update products set variants = 1",
    "a reservation whose state contradicts the status of its part": "update order_parts set status = 'cancelled'",
    "totals that differ from their lines": "update order_lines set total = total + 1",
    "a line and what came in its place that come to more than was agreed on for it, or a line in the place of one of another order": """
        update order_lines set replaces_line_id = id""",
    "a question that its buyer did not answer in time, and is still asked": "update order_lines set answer_by = now() - interval '1 hour'",
    "a question about what has left its farm, is over or taken out; or a line that is proposed about which nobody asks": """
        update order_lines set proposed = true""",
    "a coupon used more often than allowed, or by another number of orders than it says": """
        insert into coupons (id, code, code_key, amount, taken, created_at, updated_at) select id, 'c', 'c', 1, 1, now(), now() from products limit 1""",
    "a quote that is held past its end, or holds nothing": """
        insert into quotes (id, user_id, content, day, created_at, expires_at) select id, id, '{}', current_date, now(), now() + interval '1 hour' from users limit 1""",
    "two orders from one cart": """
        alter table orders drop constraint orders_cart_id_key;
        update orders set cart_id = '00000000-0000-7000-8000-000000000001'""",
    "a committed order change without its outbox row": "delete from outbox where type = 'order.created'",
    "an event unsent for over 60 s": "update outbox set sent_at = null, created_at = now() - interval '2 minutes'",
    "a message with an expired lease or overdue for over 60 s": """
        insert into queue_messages (queue, message_id, type, body, available_at)
        select 'harvest.orders', id, type, '', now() - interval '2 minutes' from outbox limit 1""",
    "a transition outside the table": "update order_transitions set to_status = 'completed'",
    "a gap in an order's versions, or a part whose status is not its last transition": "update orders set version = 3",
    "an expired reservation not released": """
        update reservations set state = 'live', expires_at = now() - interval '2 minutes'""",
    "a farm that takes orders nobody would answer for, or takes none though an owner would": "update farms set staffed = not staffed",
    "a farm whose slug is not among those that it has had, or another's": "delete from farm_slugs",
    "a category whose slug is not among those that it has had, or another's": """
        insert into categories (id, slug, name, created_at, updated_at) values (gen_random_uuid(), 'c', 'C', now(), now());
        delete from category_slugs""",
    "a farm whose day came two days ago or longer, and was not told of": "update farms set turns_on = current_date - 3",
    "a window that has given more than it holds, or whose places are not what orders and holds take of it": """
        insert into market_days (id, name, status, opens_at, closes_at, ends_at, holds_minutes, created_at, updated_at, due_at)
        select id, 'd', 'open', now(), now() + interval '1 hour', now() + interval '1 hour', 15, now(), now(), null from users limit 1;
        insert into windows (id, day_id, position, method, starts_at, ends_at, taken_orders)
        select id, id, 0, 'delivery', now(), now() + interval '1 hour', 1 from market_days""",
    "an order that has no place in the window of a part that is not over, or one in the window of none": """
        insert into market_days (id, name, status, opens_at, closes_at, ends_at, holds_minutes, created_at, updated_at, due_at)
        select id, 'd', 'open', now(), now() + interval '1 hour', now() + interval '1 hour', 15, now(), now(), null from users limit 1;
        insert into windows (id, day_id, position, method, starts_at, ends_at, taken_orders)
        select id, id, 0, 'delivery', now(), now() + interval '1 hour', 0 from market_days;
        update order_parts set window_id = (select id from windows limit 1)""",
    "an order that shows a window of its market day as it is no more": """
        insert into market_days (id, name, status, opens_at, closes_at, ends_at, holds_minutes, created_at, updated_at, due_at)
        select id, 'd', 'open', now(), now() + interval '1 hour', now() + interval '1 hour', 15, now(), now(), null from users limit 1;
        insert into windows (id, day_id, position, method, starts_at, ends_at, taken_orders)
        select id, id, 0, 'delivery', now(), now() + interval '1 hour', 0 from market_days;
        update order_parts set window_id = (select id from windows limit 1), fulfilment = fulfilment || '{"window": {"market_day_name": "e"}}'""",
    "a market day whose step came a minute ago or longer, and was not taken": """
        insert into market_days (id, name, status, opens_at, closes_at, ends_at, holds_minutes, created_at, updated_at, due_at)
        select id, 'd', 'open', now(), now() + interval '1 hour', now() + interval '1 hour', 15, now(), now(), now() - interval '2 minutes' from users limit 1""",
    "the audit log was changed: a hash that is not of its row and the row before": "update audit_head set seq = 7",
    "an account whose second factor is asked for without one, or not asked for though it has one": "update users set second_factor = true",
    "a passkey that counts without its key, or has one and does not count": """
        with one as (update users set second_factor = true where id = (select id from users limit 1) returning id)
        insert into second_factors (id, user_id, kind, name, created_at, confirmed_at) select id, id, 'passkey', 'k', now(), now() from one""",
    "an operation without success that has a file, or whose file is not of the size that its result says": """
        insert into operations (id, kind, user_id, status, result, due_at, created_at, finished_at)
        select id, 'account.export', id, 'succeeded', '{"size": 3}', now(), now(), now() from users limit 1""",
    "an account that is closed for good, and still in a group or a farm": """
        insert into groups (id, slug, name, name_key, created_at, updated_at) select id, 's', 'n', 'n', now(), now() from products limit 1;
        insert into group_members (group_id, user_id, joined_at) select g.id, u.id, now() from groups g, users u where u.role = 'buyer';
        update users set anonymised_at = now() where role = 'buyer'""",
    "an account's picture that has no live blob, or a live one of a picture that nobody has": "update users set avatar = id",
    "a blob that is lost, or one dropped and not swept for three hours": """
        insert into blobs (id, name, kind, user_id, media_type, size, sha256, created_at, state, changed_at)
        select id, 'small.webp', 'avatar', id, 'image/webp', 1, repeat('0', 64), now(), 'dropped', now() - interval '4 hours' from users limit 1""",
    "a farm's document without its live blob, or a live one without its document": """
        insert into blobs (id, name, kind, farm_id, media_type, size, sha256, created_at, changed_at)
        select id, 'document.pdf', 'farm_document', id, 'application/pdf', 1, repeat('0', 64), now(), now() from farms""",
    "a product's picture without its live blob, or a live one without its picture": """
        insert into blobs (id, name, kind, farm_id, media_type, size, sha256, created_at, changed_at)
        select id, 'mediasmall.webp', 'product_image', id, 'image/webp', 1, repeat('0', 64), now(), now() from farms""",
    "a product with another number of pictures than it says, or with a gap between them": "update products set images = 1",
    "a mail given up": """
        insert into mails (id, recipient, subject, body, dedupe_key, state, due_at, created_at)
        select id, 'a@b', 's', 'b', 'k', 'failed', now(), now() from users limit 1""",
    "an event unsent, or a message still waiting": "update outbox set sent_at = null",
    "a sent event that a durable consumer neither handled nor gave up": "delete from inbox where consumer = 'harvest.cache'",
    "a placed order that is still no sale, though nothing is waited for": "update reservations set state = 'live'",
    "daily totals that differ from the orders (the zero id is the whole market)": "update daily_totals set orders = orders + 1",
    "an order that its buyer or one of its farms was not told of by mail": "delete from mails where dedupe_key like '%:buyer'",
    "a mail or notice without the mark of the event that it tells of": "delete from inbox where consumer = 'harvest.notifications'",
    "search documents that differ from the products": "update products set revision = revision + 1",
    "a search document whose copy of a farm, a category or the product differs from it": "update farms set slug = slug || '-x'",
    "products whose search documents are still to be renewed": "insert into search_renewals (source, id) select 'farm', id from farms",
    "a search document that Elasticsearch does not hold as it is": "insert into search_pending (kind, id) select kind, id from search_documents",
}  # fmt: skip


async def test_every_rule_is_broken_by_one_of_these_tests() -> None:
    assert set(DAMAGE) == {rule.name for rule in rules() + rules("at_rest.sql")}


async def filled(market: Market) -> None:  # noqa: F811
    """Two orders, sold, told of and counted."""
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    for _ in range(2):
        assert (await buyer.order((product["id"], 1))).status == 201
    await market.work()


@pytest.mark.parametrize("rule", DAMAGE)
async def test_a_broken_rule_is_found(market: Market, rule: str) -> None:  # noqa: F811
    await filled(market)
    assert market.broken(at_rest=True) == []
    connection = psycopg2.connect(market.parts.database.settings.dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute(DAMAGE[rule])
    connection.close()
    assert rule in [violation.rule for violation in market.broken(at_rest=True)]


@pytest.mark.parametrize(
    "damage",
    ["price_per = 1", "price_per = 100", "unit_price = 64", "total = 640 * 250", "total = total + 1", "quantity = 251"],
)
async def test_the_total_of_a_line_goes_by_what_its_price_is_for(market: Market, damage: str) -> None:  # noqa: F811
    farmer, buyer = await market.farmer(), await market.person()
    per = {"quantity": 1000, "unit": "g"}
    product = await market.product(farmer, unit="g", price=640, price_per=per, stock=9000)
    assert (await buyer.order((product["id"], 250))).status == 201
    assert market.broken() == []
    connection = psycopg2.connect(market.parts.database.settings.dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute(f"update order_lines set {damage}")
    connection.close()
    assert "totals that differ from their lines" in [violation.rule for violation in market.broken()]


@pytest.mark.parametrize(
    "damage", ["estimated_weight = 2", "estimated_weight = null, weight_unit = null", "total = total + 1"]
)
async def test_the_total_of_a_line_goes_by_what_a_piece_is_estimated_to_weigh(market: Market, damage: str) -> None:  # noqa: F811
    farmer, buyer = await market.farmer(), await market.person()
    weight = {"priced_by": "weight", "estimated_weight": {"quantity": "1.8", "unit": "kg"}}
    product = await market.product(farmer, title="Chicken", unit="each", price=1290, stock=9, **weight)
    assert (await buyer.order((product["id"], 2))).status == 201
    assert market.broken() == []
    connection = psycopg2.connect(market.parts.database.settings.dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute(f"update order_lines set {damage}")
    connection.close()
    assert "totals that differ from their lines" in [violation.rule for violation in market.broken()]


@pytest.mark.parametrize("damage", ["takes = 4", "quantity = 2"])
async def test_a_reservation_is_what_the_packs_of_its_line_take(market: Market, damage: str) -> None:  # noqa: F811
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer, stock=9)
    items = [{"title": "Sack", "price": 900, "takes": "2.5"}]
    path = f"/api/products/{product['id']}/variants"
    sack = (await farmer.request("PUT", path, {"items": items}, If_Match="*")).json()["items"][0]["id"]
    lines = [{"product_id": product["id"], "variant_id": sack, "quantity": 3}]
    ordered = await buyer.post("/api/orders", {"lines": lines}, Idempotency_Key="packs")
    assert ordered.status == 201, ordered.text
    assert market.broken() == []
    connection = psycopg2.connect(market.parts.database.settings.dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute(f"update order_lines set {damage}")
    connection.close()
    assert "a reservation that differs from its line" in [violation.rule for violation in market.broken()]


@pytest.mark.parametrize(
    ("column", "other"),
    {
        "farm": "'another'", "farm_name": "'Another'", "latitude": "1", "longitude": "1", "category": "'another'",
        "category_name": "'Another'", "title": "'Another'", "text": "'another'", "unit": "'jar'", "price": "price + 1",
        "tags": "array['another']", "season_from": "'01-02'", "season_to": "'01-02'", "rating": "rating + 1",
        "in_stock": "not in_stock", "fresh_at": "fresh_at + interval '1 second'",
    }.items(),
)  # fmt: skip
async def test_a_document_that_says_anything_else_of_its_product_is_found(
    market: Market,  # noqa: F811
    column: str,
    other: str,
) -> None:
    await filled(market)
    connection = psycopg2.connect(market.parts.database.settings.dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute(f"update search_documents set {column} = {other}")
    connection.close()
    assert [violation.rule for violation in market.broken(at_rest=True)] == [
        "a search document whose copy of a farm, a category or the product differs from it"
    ]


def test_what_each_consumer_must_have_handled_is_what_its_queue_binds() -> None:
    """Of the types that a subject records: whoever adds one, or binds it, adds it to the list in at_rest.sql."""
    (rule,) = [
        rule
        for rule in rules("at_rest.sql")
        if rule.name == "a sent event that a durable consumer neither handled nor gave up"
    ]
    listed = {
        (type, queue)
        for queue, types in re.findall(r"\('(harvest\.\w+)', '\{([^}]*)\}'", rule.sql)
        for type in types.split(",")
    }
    recorded = {type for subject in SUBJECTS for type in subject.events}
    assert listed == {(type, queue) for type, queue in TOPOLOGY.bindings if type in recorded}

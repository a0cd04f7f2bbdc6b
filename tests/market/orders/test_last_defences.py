"""What the tables themselves refuse, whatever the code above them does: rows that no rule of the market may ever come to. Each is tried as somebody who has the database alone."""

from __future__ import annotations

from typing import Any

import psycopg2
from psycopg2 import errors

from tests.market.days.calendar import weekly
from tests.market.orders.test_billing import charge
from tests.market.orders.test_change_routes import change
from tests.market.orders.test_quotes import held
from tests.market.orders.test_windows import stall
from tests.people import Market

#: The constraint that refuses each.
REFUSED = {
    "products_check": "update products set reserved = stock + 1",
    "windows_orders": "update windows set taken_orders = max_orders + 1 where max_orders > 0",
    "windows_crates": "update windows set taken_crates = max_crates + 1 where max_crates > 0",
    "windows_grams": "update windows set taken_grams = max_grams + 1 where max_grams > 0",
    "coupons_check1": "update coupons set taken = uses_most + 1",
    "coupons_taken_check": "update coupons set taken = -1",
    "coupon_people_taken_check": "update coupon_people set taken = -1",
    "coupons_code_key_key": """insert into coupons (id, code, code_key, percent, created_at, updated_at)
        select gen_random_uuid(), code, code_key, percent, created_at, updated_at from coupons""",
    "quotes_user_id_key": """insert into quotes (id, user_id, content, day, created_at, expires_at)
        select gen_random_uuid(), user_id, content, day, created_at, expires_at from quotes where user_id is not null""",
    "quotes_token_hash_key": """insert into quotes (id, token_hash, content, day, created_at, expires_at)
        select gen_random_uuid(), token_hash, content, day, created_at, expires_at from quotes where token_hash is not null""",
    "orders_cart_id_key": "update orders set cart_id = (select id from orders limit 1)",
    "stock_ledger_once": """insert into stock_ledger (id, product_id, kind, change, level, line_id, created_at)
        select gen_random_uuid(), product_id, kind, change, level, line_id, created_at from stock_ledger where kind = 'sale'""",
    "order_lines_short_check": "update order_lines set short_of = quantity + 1",
    "reservations_quantity_check": "update reservations set quantity = -1",
    "carts_user_id_key": """insert into carts (id, user_id, updated_at)
        select gen_random_uuid(), user_id, updated_at from carts where user_id is not null""",
    **{
        f"{table}_pkey": f"insert into {table} select * from {table}"
        for table in ("order_changes", "order_places", "order_transitions", "reservations", "coupon_people", "coupon_uses", "market_rounds")
    },
}  # fmt: skip

#: Those that are no constraints of their tables; and how either is taken away.
INDEXES = ("stock_ledger_once",)
_DROP = {False: "alter table {} drop constraint {} cascade", True: "drop index {1}"}


async def test_a_row_that_no_rule_may_come_to_is_refused_by_its_table(market: Market, database_url: str) -> None:
    s = await stall(market, {"capacity": {"orders": 5, "crates": 50, "weight_kg": "50"}})
    buyer, other = await market.person(), await market.person()
    await charge(market, "/api/coupons", code="SPRING", percent=10, max_uses=5)
    order = (await s.order(buyer, (s.carrots, "2"))).json()
    await change(buyer, order, {"line_id": order["lines"][0]["id"], "quantity": "3"})
    way = {"method": "delivery", "address": "1 Lane, 1010 Town", "window_id": s.window}
    used = await other.order((s.carrots, "1"), fulfilment=way, coupon="SPRING")
    assert used.status == 201, used.text
    await held(buyer, (s.carrots, "1"), fulfilment=way)
    await held(market.stranger, (s.carrots, "1"), fulfilment=way)
    await buyer.request("PUT", f"/api/cart/items/{s.carrots}", {"quantity": "1"})
    recurring = await s.manager.post("/api/market-schedules", weekly(rounds_ahead=1))
    assert recurring.status == 201, recurring.text
    await market.work()
    assert _refused(database_url) == {name: (name, "accepted without it") for name in REFUSED}


def _refused(url: str) -> dict[str, tuple[str | None, str]]:
    """What refuses each (None: nothing does), and what becomes of it where that is taken away."""
    found = {}
    connection = psycopg2.connect(url)
    try:
        for name, sql in REFUSED.items():
            refused = _tried(connection, sql)
            connection.rollback()
            if refused is not None:
                with connection.cursor() as cursor:
                    cursor.execute(_DROP[name in INDEXES].format(refused.diag.table_name, name))
            left = _tried(connection, sql)
            connection.rollback()
            found[name] = (
                refused and refused.diag.constraint_name,
                "accepted without it" if left is None else str(left),
            )
    finally:
        connection.close()
    return found


def _tried(connection: Any, sql: str) -> errors.IntegrityError | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
    except errors.IntegrityError as error:
        return error
    return None

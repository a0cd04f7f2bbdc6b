"""What orders have of a person is erased in time; the books stay."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest

from harvestd.market.orders import retention
from harvestd.runtime import failpoints
from harvestd.runtime.failpoints import FailPointHit
from harvestd.store.postgres.statements import Statement
from tests.locks import holding
from tests.market.accounts.test_own_things import DELIVERED, bought, complete
from tests.people import Market

#: Whatever a table of the market says of the address, the note and the buyer.
SAID = Statement(
    "test.said",
    """select (select count(*) from orders o where o::text like '%Secret Lane%' or o::text like '%dog bites%'),
              (select count(*) from order_parts p where p::text like '%Secret Lane%'),
              (select count(*) from notifications n where n::text like '%Secret Lane%' or n::text like '%dog bites%'),
              (select count(*) from order_transitions t where t.reason like '%my dog%')""",
    lambda *counts: counts,
)
BOOKS = Statement(
    "test.books",
    "select to_jsonb(o) - '{note,fulfilment,erased_at}'::text[], (select jsonb_agg(l order by l.id) from order_lines l where l.order_id = o.id) from orders o order by id",
    lambda *row: row,
)
LEFT = Statement("test.unerased", "select count(*) from orders where erased_at is null", lambda count: count)


async def later(market: Market, seconds: float) -> Any:
    then = market.parts.now() + timedelta(seconds=seconds)
    return attrs.evolve(market.parts, now=lambda: then)


async def test_an_order_that_is_over_long_enough_loses_the_person_and_keeps_goods_and_amounts(market: Market) -> None:
    _, order = await bought(market, **DELIVERED)
    await complete(order)
    await market.work()
    books = await market.parts.database.rows(BOOKS)
    said = await market.parts.database.row(SAID)
    assert said is not None and all(said[:3])
    kept = market.parts.settings.order_details_kept
    await retention.erase_old(await later(market, kept - 60))
    assert await market.parts.database.row(SAID) == said
    await retention.erase_old(await later(market, kept + 60))
    assert await market.parts.database.row(SAID) == (0, 0, 0, 0)
    assert await market.parts.database.rows(BOOKS) == books
    shown = (await order["farmer"].get(f"/api/orders/{order['id']}")).json()
    assert shown["totals"] == order["totals"] and "address" not in shown["parts"][0]["fulfilment"]
    assert market.broken() == []


async def test_what_the_buyer_wrote_to_cancel_it_goes_too(market: Market) -> None:
    buyer, order = await bought(market, **DELIVERED)
    assert (await buyer.post(f"/api/orders/{order['id']}/cancel", {"reason": "my dog is ill"})).status == 200
    await retention.erase_old(await later(market, 2 * market.parts.settings.order_details_kept))
    assert await market.parts.database.row(SAID) == (0, 0, 0, 0)


async def test_an_open_order_keeps_all_however_old_it_is(market: Market) -> None:
    await bought(market, **DELIVERED)
    before = await market.parts.database.row(SAID)
    await retention.erase_old(await later(market, 9 * market.parts.settings.order_details_kept))
    assert await market.parts.database.row(SAID) == before


async def test_a_market_may_keep_it_as_long_as_the_account(market: Market) -> None:
    _, order = await bought(market, **DELIVERED)
    await complete(order)
    parts = await later(market, 2 * market.parts.settings.order_details_kept)
    await retention.erase_old(attrs.evolve(parts, settings=attrs.evolve(parts.settings, order_details_kept=0.0)))
    assert await market.parts.database.row(LEFT) == 1


async def test_it_goes_in_batches_and_a_run_that_fails_is_taken_up_where_it_was(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer, unit="each", stock="9")
    for _ in range(5):
        order = (await buyer.order((product["id"], 1), **DELIVERED)).json()
        await buyer.post(f"/api/orders/{order['id']}/cancel", {"reason": "my dog is ill"})
    monkeypatch.setattr(retention, "BATCH", 2)
    monkeypatch.setenv("HARVEST_TESTING", "1")
    parts = await later(market, 2 * market.parts.settings.order_details_kept)
    failpoints.arm("retention.before_commit=error@2")
    try:
        with pytest.raises(FailPointHit):
            await retention.erase_old(parts)
    finally:
        failpoints.disarm()
    assert await market.parts.database.row(LEFT) == 3, "one batch is kept, nothing of the next"
    await retention.erase_old(parts)
    assert await market.parts.database.row(LEFT) == 0
    assert await market.parts.database.row(SAID) == (0, 0, 0, 0)


async def test_a_closed_account_is_erased_from_the_notices_of_farms_too(market: Market) -> None:
    buyer, order = await bought(market, **DELIVERED)
    await complete(order)
    await market.work()
    assert "Secret Lane 3" in (await order["farmer"].get("/api/notifications")).text
    assert (await buyer.request("DELETE", "/api/users/me")).status == 204
    await market.work()
    assert await market.parts.database.row(SAID) == (0, 0, 0, 0)
    assert "Secret Lane 3" not in (await order["farmer"].get("/api/notifications")).text
    assert market.broken(at_rest=True) == []


async def test_what_somebody_has_locked_just_now_waits_for_the_next_run(market: Market, database_url: str) -> None:
    _, order = await bought(market, **DELIVERED)
    await complete(order)
    await market.work()
    then = await later(market, market.parts.settings.order_details_kept + 60)
    with holding(database_url, "select from orders for update") as locked:
        await retention.erase_old(then)
        assert await market.parts.database.row(LEFT) == 1
        locked.rollback()
    await retention.erase_old(then)
    assert await market.parts.database.row(LEFT) == 0

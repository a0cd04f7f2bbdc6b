"""The orders worker and the clock: reservations become sales, or come back when nobody confirms."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from harvestd.market.orders import expiry
from harvestd.queue.recorded_messages import message_of
from harvestd.queue.seals import EventSeals
from harvestd.store import outbox
from harvestd.tables import TOPOLOGY
from tests.people import Market, Person
from tests.web.conftest import make_market


async def stock(market: Market, product: dict[str, Any]) -> tuple[str, str]:
    """Stock and available, as the product's page has them."""
    page = (await market.stranger.get(f"/api/products/{product['id']}")).json()
    return page["stock"], page["available"]


def later(market: Market, **settings: Any) -> Market:
    """The same market with other settings, three days on."""
    changed = attrs.evolve(market.parts.settings, **settings)
    return make_market(attrs.evolve(market.parts, settings=changed, now=lambda: datetime.now(UTC) + timedelta(days=3)))


def by_farm(market: Market) -> Market:
    """The same market where an order is a sale when its farm confirms it."""
    return make_market(
        attrs.evolve(market.parts, settings=attrs.evolve(market.parts.settings, order_confirmation="farm"))
    )


async def confirm(farmer: Person, order: dict[str, Any]) -> Any:
    return await farmer.post(f"/api/orders/{order['id']}/parts/{farmer.farm_id}/status", {"to": "confirmed"})


async def test_a_reservation_becomes_a_sale_once_however_often_it_is_told(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    await buyer.order((product["id"], "1.25"))
    assert await stock(market, product) == ("2.500", "1.250")
    assert (await market.stranger.get(f"/api/products/{product['id']}")).json()["stock"] == "2.500"
    await market.work(twice=True)  # the caches are told that the amount on hand is another one
    assert (await market.stranger.get(f"/api/products/{product['id']}")).json()["stock"] == "1.250"
    assert await stock(market, product) == ("1.250", "1.250")
    assert market.broken(at_rest=True) == []


@pytest.mark.parametrize("seed", range(5))
async def test_events_in_any_order_and_number_come_to_the_same(market: Market, seed: int) -> None:
    """Placed, moved, cancelled: shuffled and repeated, the stock, the totals and the mails are what they should be."""
    chance = random.Random(seed)
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer, stock=10)
    for n in range(4):
        order = (await buyer.order((product["id"], 1))).json()
        if n % 2:
            await confirm(farmer, order)
        if n % 3:
            await buyer.post(f"/api/orders/{order['id']}/cancel", {})
    rows = await outbox.unsent(market.parts.database, 1000)
    deliveries = [
        (queue, message_of(row, EventSeals(market.parts.secret)))
        for row in rows
        for queue in TOPOLOGY.queues_for(row.type)
        for _ in range(2)
    ]
    chance.shuffle(deliveries)
    for queue, message in deliveries:
        await market.deliver(queue, [message])
    await market.work()
    assert market.broken(at_rest=True) == [], f"seed {seed}"


async def test_where_farms_confirm_only_the_confirmed_part_is_sold(market: Market) -> None:
    shop = by_farm(market)
    one, two, buyer = await shop.farmer("One"), await shop.farmer("Two"), await shop.person()
    carrots, eggs = await shop.product(one), await shop.product(two, title="Eggs")
    order = (await buyer.order((carrots["id"], 1), (eggs["id"], 1))).json()
    await shop.work()
    shop.parts.cache.drop_here([])
    assert await stock(shop, carrots) == ("2.500", "1.500")
    await confirm(one, order)
    await shop.work()
    shop.parts.cache.drop_here([])
    assert await stock(shop, carrots) == ("1.500", "1.500")
    assert await stock(shop, eggs) == ("2.500", "1.500")
    assert shop.broken() == []


async def test_what_no_farm_confirms_in_time_comes_back_once(market: Market) -> None:
    shop = by_farm(market)
    farmer, buyer = await shop.farmer(), await shop.person()
    product = await shop.product(farmer)
    order = (await buyer.order((product["id"], "2.5"))).json()
    await expiry.release(shop.parts)
    assert (await buyer.get(f"/api/orders/{order['id']}")).json()["status"] == "placed"
    after = later(shop, order_confirmation="farm")
    await expiry.release(after.parts)
    await expiry.release(after.parts)
    assert (await buyer.get(f"/api/orders/{order['id']}")).json()["status"] == "expired"
    assert (await confirm(farmer, order)).status == 409
    shop.parts.cache.drop_here([])
    assert await stock(shop, product) == ("2.500", "2.500")
    await shop.work(twice=True)
    assert shop.broken() == []


@pytest.mark.parametrize(("placed", "then"), [("farm", "automatic"), ("automatic", "farm")])
async def test_an_order_is_sold_as_was_promised_when_it_was_placed(market: Market, placed: str, then: str) -> None:
    """The market's rule changes while orders are open."""
    before = make_market(
        attrs.evolve(market.parts, settings=attrs.evolve(market.parts.settings, order_confirmation=placed))
    )
    after = make_market(
        attrs.evolve(market.parts, settings=attrs.evolve(market.parts.settings, order_confirmation=then))
    )
    farmer, buyer = await before.farmer(), await before.person()
    product = await before.product(farmer)
    order = (await buyer.order((product["id"], 1))).json()
    await after.work()
    after.parts.cache.drop_here([])
    sold_at_once = placed == "automatic"
    assert await stock(after, product) == (("1.500", "1.500") if sold_at_once else ("2.500", "1.500"))
    for to in ("confirmed", "ready", "completed"):
        moved = await farmer.post(f"/api/orders/{order['id']}/parts/{farmer.farm_id}/status", {"to": to})
        assert moved.status == 200, moved.text
    await after.work(twice=True)
    after.parts.cache.drop_here([])
    assert await stock(after, product) == ("1.500", "1.500")
    assert after.broken(at_rest=True) == []


async def test_orders_that_are_confirmed_and_not_sold_yet_keep_no_others_from_expiring(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "BATCH", 1)
    shop = by_farm(market)
    farmer, buyer = await shop.farmer(), await shop.person()
    product = await shop.product(farmer)
    orders = [(await buyer.order((product["id"], "0.5"))).json() for _ in range(3)]
    for order in orders[:2]:
        await confirm(farmer, order)
    await expiry.release(later(shop).parts)
    states = [(await buyer.get(f"/api/orders/{order['id']}")).json()["status"] for order in orders]
    assert states == ["confirmed", "confirmed", "expired"]


async def test_a_confirmed_part_does_not_expire_before_it_was_sold(market: Market) -> None:
    """The farm confirmed in time; that the worker is late with the sale is no reason to lose it."""
    shop = by_farm(market)
    farmer, buyer = await shop.farmer(), await shop.person()
    product = await shop.product(farmer)
    order = (await buyer.order((product["id"], 1))).json()
    await confirm(farmer, order)
    await expiry.release(later(shop).parts)
    assert (await buyer.get(f"/api/orders/{order['id']}")).json()["status"] == "confirmed"
    await shop.work()
    shop.parts.cache.drop_here([])
    assert await stock(shop, product) == ("1.500", "1.500")
    assert shop.broken() == []


async def test_an_order_that_waits_for_nothing_never_expires(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    order = (await buyer.order((product["id"], 1))).json()
    await expiry.release(later(market).parts)  # however late the workers are
    assert (await buyer.get(f"/api/orders/{order['id']}")).json()["status"] == "placed"

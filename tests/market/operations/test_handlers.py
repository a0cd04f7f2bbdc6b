"""The cache worker: what an event made stale is dropped in every process, and live topics are told."""

from __future__ import annotations

import json

from tests.people import Market


async def test_an_order_drops_its_products_pages_and_the_listings(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer)
    await market.work()
    dropped: list[str] = []
    original = market.parts.cache.drop

    async def noted(families: list[str]) -> None:
        dropped.extend(families)
        await original(families)

    object.__setattr__(market.parts.cache, "drop", noted)
    await buyer.order((product["id"], 1))
    await market.work(queues=["harvest.cache"])
    assert {
        f"product:{product['id']}",
        f"product:{product['slug']}",
        "products:amounts",
        "products:changed",
    } <= set(dropped)


async def test_a_farm_is_told_of_an_order_and_those_who_watch_a_product_of_its_change(market: Market) -> None:
    """After the commit, with ids and a version alone: nobody learns more than where to look."""
    one, other, buyer = await market.farmer(), await market.farmer("Blue Barn"), await market.person()
    leek, kale = await market.product(one, stock="1"), await market.product(other)
    await market.work()
    told: list[tuple[str, dict[str, object]]] = []
    original = market.parts.topics.publish

    async def noted(channel: str, payload: str) -> None:
        told.append((channel, json.loads(payload)))
        await original(channel, payload)

    object.__setattr__(market.parts.topics, "publish", noted)
    order = (await buyer.order((leek["id"], 1), (kale["id"], 1))).json()
    assert [t for t in told if t[0].startswith(("orders:", "products:"))] == []
    await market.work(queues=["harvest.cache"], twice=True)
    heard = {channel: message for channel, message in told if channel != "cache:dropped"}
    assert heard.keys() == {
        f"orders:new:{one.farm_id}", f"orders:new:{other.farm_id}", f"products:updated:{leek['id']}",
    }  # fmt: skip
    assert heard[f"orders:new:{one.farm_id}"] == {"order_id": order["id"], "version": 1}
    sold_out = heard[f"products:updated:{leek['id']}"]
    assert sold_out["product_id"] == leek["id"] and sold_out.keys() == {"product_id", "version"}


async def test_should_the_process_of_a_sign_out_die_at_once_a_worker_tells_the_others(market: Market) -> None:
    """What is remembered of the sign-in elsewhere is forgotten by way of the outbox."""
    person = await market.person()
    await market.work()
    ended: list[str] = []
    sessions = market.parts.sign_ins
    original = sessions.ended

    async def dies(user_id: str) -> None:
        pass

    object.__setattr__(sessions, "ended", dies)
    assert (await person.post("/api/auth/logout", None)).status == 204
    assert (await person.get("/api/users/me")).status == 200, "it is remembered"

    async def noted(user_id: str) -> None:
        ended.append(user_id)
        await original(user_id)

    object.__setattr__(sessions, "ended", noted)
    await market.work()
    assert ended == [person.id]
    assert (await person.get("/api/users/me")).status == 401

"""The cache worker: what an event made stale is dropped in every process."""

from __future__ import annotations

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
        "products:all",
        f"products:farmer:{farmer.farm_id}",
    } <= set(dropped)

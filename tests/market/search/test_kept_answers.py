"""Answers of searches that are kept: none outlives the index that it was of."""

from __future__ import annotations

from tests.people import Market


async def test_what_was_found_between_a_change_and_its_indexing_is_not_kept(market: Market) -> None:
    farmer = await market.farmer()
    product = await market.product(farmer, title="Medlars")
    await market.work()

    async def total() -> int:
        found: int = (await market.stranger.get("/api/search?q=medlars")).json()["total"]
        return found

    assert await total() == 1
    assert (await farmer.request("DELETE", f"/api/products/{product['id']}", If_Match="*")).status == 204
    await market.work(queues=("harvest.cache",))
    assert await total() == 1, "the index has it still"
    await market.work()
    assert await total() == 0

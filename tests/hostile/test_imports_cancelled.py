"""Imports of several farms at once, worked on by two workers, and cancelled at any moment while their products are bought and changed: each ends as one
of its states says, and no invariant breaks."""

from __future__ import annotations

import random
from typing import Any

import pytest
from twisted.internet.defer import Deferred, gatherResults

from harvestd.market.catalogue import importing
from harvestd.market.long_work import running
from tests.lengths import length
from tests.market.catalogue.test_importing import send
from tests.people import Market, Person

FARMS, ROWS = 4, int(length(60, 600))


def file(n: int, price: str) -> str:
    rows = "".join(f"S-{n}-{row},Beets {row},kg,{price},9\n" for row in range(ROWS))
    return f"sku,title,unit,price,stock\n{rows}"


@pytest.mark.limit(180)
async def test_imports_that_are_cancelled_under_load_end_cleanly(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "AT_ONCE", 10)
    rng, buyer = random.Random(5), await market.person()
    farmers = [await market.farmer(f"Farm {n}") for n in range(FARMS)]
    begun = [await send(one, file(n, "1.00")) for n, one in enumerate(farmers)]
    assert {one.status for one in begun} == {202}
    paths = [one.headers["location"] for one in begun]
    write, steps = importing.many_actions.write, [0]
    accepted: set[str] = set()

    async def disturbed(unit: Any, writing: Any, rows: Any) -> Any:
        steps[0] += 1
        if steps[0] % 3 == 0:
            n = rng.randrange(FARMS)
            answer = await farmers[n].request("DELETE", paths[n])
            assert answer.status in (200, 409), answer.text
            if answer.status == 200:
                accepted.add(paths[n])
        return await write(unit, writing, rows)

    monkeypatch.setattr(importing.many_actions, "write", disturbed)
    work = [Deferred.fromCoroutine(running.run(market.parts)) for _ in range(2)]
    for _ in range(10):
        await _shop(buyer, farmers, rng)
    await gatherResults(work)
    await running.run(market.parts)
    monkeypatch.setattr(importing.many_actions, "write", write)
    for n, (farmer, path) in enumerate(zip(farmers, paths, strict=True)):
        ended = (await farmer.get(path)).json()
        assert ended["status"] in ("succeeded", "cancelled"), ended
        assert (path in accepted) == (ended["status"] == "cancelled"), "what was cancelled is, and nothing else"
        number = (await farmer.get("/api/products?mine=true&count=true&limit=1")).json()["total"]
        assert number == ROWS if ended["status"] == "succeeded" else number <= ROWS
        again = await farmer.request("DELETE", path)
        assert again.status == (200 if path in accepted else 409), "it is cancelled still, or over"
        rest = await send(farmer, file(n, "1.00"))
        await running.run(market.parts)
        assert (await farmer.get(rest.headers["location"])).json()["status"] == "succeeded"
        assert (await farmer.get("/api/products?mine=true&count=true&limit=1")).json()["total"] == ROWS
    await market.work()
    assert market.broken(at_rest=True) == []


async def _shop(buyer: Person, farmers: list[Person], rng: random.Random) -> None:
    """Somebody buys what is there by now, and its farm changes it."""
    farmer = rng.choice(farmers)
    items = (await farmer.get("/api/products?mine=true&limit=5")).json()["items"]
    if items:
        product = rng.choice(items)
        assert (await buyer.order((product["id"], 1))).status in (201, 409, 422)
        answer = await farmer.request(
            "PATCH", f"/api/products/{product['id']}", {"description": "Fresh."}, If_Match="*"
        )
        assert answer.status == 200, answer.text

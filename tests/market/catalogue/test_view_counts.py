"""Views of products are counted in batches, of people alone, without anybody's name, and stir nothing."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from harvestd.interfaces import IViews
from harvestd.kernel.errors import Unavailable
from harvestd.kernel.families import shown
from harvestd.market.catalogue import view_counts
from harvestd.market.catalogue.view_counts import AT_ONCE, BATCH, TRIES, Views
from harvestd.runtime.metrics import Metrics
from harvestd.store.postgres.statements import Statement, nothing, scalar
from tests.people import Market
from tests.web.client import Client
from tests.web.conftest import make_market

BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}
COUNTS = Statement("test.views", "select view_count from products order by id", scalar)
REST = Statement(
    "test.rest_of_products", "select version, revision, updated_at, changed_in from products", lambda *row: row
)
EVENTS = Statement("test.events", "select count(*) from outbox", scalar)
LOCK = Statement("test.lock_product", "select id from products where id = :id for no key update", nothing)


def counting(market: Market, clock: Any = None) -> tuple[Market, Views]:
    """The market with views counted, by a clock that stands still."""
    views = Views(clock or Clock(), market.parts.database, market.parts.metrics)
    return make_market(attrs.evolve(market.parts, views=views)), views


async def look(client: Client, path: str, times: int = 1, **headers: str) -> None:
    for _ in range(times):
        answer = await client.get(path, headers={**BROWSER, **{n.replace("_", "-"): v for n, v in headers.items()}})
        assert answer.status in (200, 304), answer.text


async def counts(market: Market) -> list[int]:
    return await market.parts.database.rows(COUNTS)


async def test_each_view_counts_from_the_database_from_the_cache_and_by_the_short_way(market: Market) -> None:
    market, views = counting(market)
    farmer = await market.farmer()
    made, other = await market.product(farmer), await market.product(farmer, title="Beets")
    tag = (await market.stranger.get(f"/api/products/{made['id']}")).headers["etag"]
    await look(market.stranger, f"/api/products/{made['id']}", 5)
    await look(market.stranger, f"/api/products/{made['slug']}", 3)
    await look(market.stranger, f"/api/products/{made['id']}", 2, If_None_Match=tag)
    await look((await market.person()).client, f"/api/products/{made['id']}")
    await look(market.stranger, f"/api/products/{other['id']}")
    await look(market.stranger, "/api/products")
    assert await counts(market) == [0, 0], "nothing is written while somebody waits"
    await views.flush()
    assert await counts(market) == [11, 1]
    assert market.parts.metrics.value("harvest_views_total", outcome="counted") == 12
    assert verifyObject(IViews, views)


@pytest.mark.parametrize("agent", ["", "curl/8.5.0", "Mozilla/5.0 (compatible; Googlebot/2.1)"])
async def test_programs_are_not_counted(market: Market, agent: str) -> None:
    market, views = counting(market)
    made = await market.product(await market.farmer())
    await look(market.stranger, f"/api/products/{made['id']}", 4, User_Agent=agent)
    await views.flush()
    assert await counts(market) == [0]


async def test_neither_its_own_farm_nor_a_browser_that_only_prepares_nor_a_head_is_counted(market: Market) -> None:
    market, views = counting(market)
    farmer = await market.farmer()
    path = f"/api/products/{(await market.product(farmer))['id']}"
    await look(farmer.client, path, 2)
    await look(market.stranger, path, 4, Sec_Purpose="prefetch;prerender")
    assert (await market.stranger.request("HEAD", path, headers=BROWSER)).status == 200
    assert (await market.stranger.get(f"{path[:-4]}ffff", headers=BROWSER)).status == 404
    await views.flush()
    assert await counts(market) == [0]


async def test_a_view_changes_no_version_tells_nobody_and_drops_no_cache(market: Market) -> None:
    market, views = counting(market)
    made = await market.product(await market.farmer())
    await market.work()
    await look(market.stranger, f"/api/products/{made['id']}", 2)
    before = await market.parts.database.rows(REST), await market.parts.database.rows(EVENTS)
    loads = market.parts.cache.state().misses
    await views.flush()
    assert (await market.parts.database.rows(REST), await market.parts.database.rows(EVENTS)) == before
    page = await market.stranger.get(f"/api/products/{made['id']}")
    assert page.json()["view_count"] == 0 and market.parts.cache.state().misses == loads
    await market.parts.cache.drop(())
    assert (await market.stranger.get(f"/api/products/{made['id']}")).json()["view_count"] == 2
    assert market.broken(at_rest=True) == []


async def test_a_batch_is_written_some_seconds_after_its_first_and_again_if_the_database_was_away(
    market: Market,
) -> None:
    made = await market.product(await market.farmer())
    clock, real, away = Clock(), market.parts.database, [True]

    class Sometimes:
        async def transaction(self, work: Any, **more: Any) -> Any:
            if away:
                away.pop()
                raise Unavailable("the database is away")
            return await real.transaction(work, **more)

    views = Views(clock, Sometimes(), Metrics())  # type: ignore[arg-type]
    for _ in range(3):
        views.note(shown(made["id"]), BROWSER["User-Agent"])
    clock.advance(BATCH - 0.1)
    assert away == [True]
    clock.advance(0.1)
    assert away == [] and await counts(market) == [0]
    clock.advance(BATCH)
    assert views._writing is not None
    await views._writing
    assert await counts(market) == [3]


async def test_a_product_that_an_order_holds_is_not_waited_for_and_counted_later(market: Market) -> None:
    farmer = await market.farmer()
    held, free = [await market.product(farmer, title=title) for title in ("A", "B")]
    views = Views(Clock(), market.parts.database, Metrics())
    for one in (held, free):
        views.note(shown(one["id"]), BROWSER["User-Agent"])
    let_go: Deferred[None] = Deferred()
    locked: Deferred[None] = Deferred()

    async def order(tx: Any) -> None:
        await tx.run(LOCK, id=held["id"])
        locked.callback(None)
        await let_go

    ordering = Deferred.fromCoroutine(market.parts.database.transaction(order))
    await locked
    await views.flush()
    assert await counts(market) == [0, 1]
    let_go.callback(None)
    await ordering
    await views.stop()
    assert await counts(market) == [1, 1]


async def test_who_stops_writes_what_is_counted_and_what_is_counted_is_bounded(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view_counts, "MAX_DIFFERENT", 2)
    market, views = counting(market)
    farmer = await market.farmer()
    products = [await market.product(farmer, title=f"P{n}") for n in range(3)]
    for one in (*products, *products):
        await look(market.stranger, f"/api/products/{one['id']}")
    await views.stop()
    assert await counts(market) == [2, 2, 0]
    assert market.parts.metrics.value("harvest_views_total", outcome="left") == 2


async def test_many_products_are_written_by_one_statement_and_what_is_no_product_is_given_up(market: Market) -> None:
    made = await market.product(await market.farmer())
    batches: list[Any] = []

    class Noting:
        async def transaction(self, work: Any, **more: Any) -> Any:
            batches.append(more)
            return await market.parts.database.transaction(work, **more)

    views = Views(Clock(), Noting(), Metrics())  # type: ignore[arg-type]
    invented = [market.parts.new_id() for _ in range(AT_ONCE)]
    for id in (made["id"], *invented):
        views.note(shown(id), BROWSER["User-Agent"])
    await views.flush()
    assert await counts(market) == [1] and len(batches) == 2
    for _ in range(TRIES):
        await views.flush()
    assert views._counts == {} and views._tries == {}

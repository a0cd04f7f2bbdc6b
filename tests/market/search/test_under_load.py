"""Searches go on while Elasticsearch is killed, takes five seconds an answer, or takes no writes: none fails, and afterwards it holds what
PostgreSQL holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from twisted.internet.defer import Deferred

from harvestd.interfaces import Search
from harvestd.runtime.lifecycle import sleep
from harvestd.store.postgres.database import Database
from servers.elasticsearch import ElasticsearchServer
from tests.contracts.search import STALL, product
from tests.market.search.test_fallback import AGE, World, broken, quick, standing
from tests.waiting import eventually

pytestmark = pytest.mark.xdist_group("elasticsearch")
__all__ = ["quick"]

#: Clients that search, and answers that are seen before, during and after the fault; seconds that it takes for an answer when it is slow.
CLIENTS, SEEN, SLOW = 4, 50, 5.0
#: Seconds that are waited for any of it: an engine that starts on a busy machine takes most of a minute.
PATIENCE = 120.0
BLOCK = "index.blocks.read_only_allow_delete"


def kill(world: World) -> None:
    world.server.kill()


def start(world: World) -> None:
    world.server.start()


def slow(world: World) -> None:
    world.proxy.delay_back = SLOW


def mend(world: World) -> None:
    world.mend()


def block(world: World) -> None:
    world.ask("PUT", f"/{world.alias}/_settings", {BLOCK: True})


def unblock(world: World) -> None:
    world.ask("PUT", f"/{world.alias}/_settings", {BLOCK: None})


#: What is done to it, and what ends that.
FAULTS = {"killed": (kill, start), "slow, 5 s an answer": (slow, mend), "read-only": (block, unblock)}


@attrs.define
class Load:
    """Clients that ask one after another until ``going`` is false, and a farmer whose every title is another while ``writing``."""

    world: World
    going: bool = True
    writing: bool = True
    resting: bool = False
    answers: list[bool] = attrs.field(factory=list)  # whether each was degraded
    failed: list[BaseException] = attrs.field(factory=list)
    written: int = 0

    async def ask(self) -> None:
        from twisted.internet import reactor

        while self.going:
            try:
                found = await self.world.search.search(Search(text="carrots"))
                assert found.total == 4, found
                self.answers.append(found.degraded)
            except Exception as error:
                self.failed.append(error)
            await sleep(reactor, 0.005)

    async def write(self) -> None:
        from twisted.internet import reactor

        while self.going:
            self.resting = not self.writing
            if self.resting:
                await sleep(reactor, 0.05)
                continue
            self.written += 1
            number = 300 + self.written % 5
            await self.world.search.index([product(number, f"Quinces {self.written}", version=self.written)])
            await self.world.search.indexer.catch_up()
            await sleep(reactor, 0.05)


@pytest.mark.limit(420)
async def test_no_search_fails_and_the_index_is_equal_after_each_fault_of_the_engine(
    elasticsearch: ElasticsearchServer, database: Database, measured: Callable[[str], None]
) -> None:
    """The engine that all share, which nobody else asks meanwhile: another takes many seconds of CPU to start."""
    server = elasticsearch
    try:
        async with standing(server, database) as world:
            await world.search.index(STALL)
            await world.caught_up()
            load = Load(world)
            tasks = [Deferred.fromCoroutine(work()) for work in (*[load.ask] * CLIENTS, load.write)]
            for fault, (harm, mend) in FAULTS.items():
                before = len(load.answers), load.answers.count(True), load.written
                await _through(load, harm, mend)
                searches, by_postgres, written = len(load.answers), load.answers.count(True), load.written
                measured(
                    f"{fault}: {searches - before[0]} searches, {by_postgres - before[1]} of them answered by PostgreSQL; "
                    f"{written - before[2]} documents written"
                )
                assert not load.failed, fault
                load.writing = False
                await eventually("the farmer rests", lambda: load.resting)
                await world.caught_up()
                assert not broken(world.database), fault
                assert await _titles(world.search.engine) == await _titles(world.search.postgres) != [], fault
                load.writing = True
            load.going = False
            for task in tasks:
                await task
            assert not load.failed
    finally:
        if server.process is None:
            server.start()


async def _through(load: Load, harm: Callable[[World], None], mend: Callable[[World], None]) -> None:
    """Load before, during and after the fault."""
    world, seen = load.world, load.answers.count(False)
    await eventually("the engine answers", lambda: load.answers.count(False) >= seen + SEEN, PATIENCE)
    world.search.engine._timeout = world.search.engine.indices.timeout = 1.0  # that of the settings
    harm(world)

    async def without() -> bool:
        await world.database.transaction(lambda tx: tx.run(AGE))  # what waits is older than the engine may be behind
        return not world.search.breaker.closed

    await eventually("nobody asks the engine any more", without, PATIENCE, 0.05)
    seen = load.answers.count(True)
    await eventually("PostgreSQL answers", lambda: load.answers.count(True) >= seen + SEEN, PATIENCE)
    mend(world)
    world.search.engine._timeout = world.search.engine.indices.timeout = 10.0  # the processors are shared
    seen = load.answers.count(False)
    await eventually("the engine answers again", lambda: load.answers.count(False) >= seen + SEEN, PATIENCE)


async def _titles(engine: Any) -> list[str]:
    found = await engine.search(Search(text="quinces", sort="newest", limit=50))
    return [hit.highlight["title"] for hit in found.hits]

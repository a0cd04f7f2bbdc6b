"""Statements of searches have a share of the connections, and a time of their own."""

from __future__ import annotations

import attrs
import pytest
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred

from harvestd.kernel.errors import Overloaded, Unavailable
from harvestd.market.search.postgres.query import find
from harvestd.market.search.postgres.scoring import Form
from harvestd.market.search.postgres.similar import SIMILAR
from harvestd.runtime.tracing import asked_by
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.statements import Statement, nothing, scalar
from tests.waiting import eventually

SLEEP = Statement("test.heavy_sleep", "select pg_sleep(:seconds::float8)", nothing, heavy=True)
LIMIT = Statement("test.limit", "select current_setting('statement_timeout')", scalar)
HEAVY_LIMIT = Statement("test.heavy_limit", "select current_setting('statement_timeout')", scalar, heavy=True)


def test_searches_are_heavy() -> None:
    assert SIMILAR.heavy and all(find(Form(words, "price", ruled=words)).heavy for words in (False, True))


async def test_a_heavy_statement_has_one_core(database: Database) -> None:
    alone = Statement("test.alone", "select current_setting('max_parallel_workers_per_gather')", scalar, heavy=True)
    assert await database.row(alone) == "0"


async def test_heavy_statements_leave_connections_to_the_others(database: Database) -> None:
    told: list[None] = []
    settings = attrs.evolve(database.settings, heavy_timeout=1.0)
    small = Database(reactor, settings, 4, 0.2, lambda: told.append(None))
    small.start()
    try:
        busy = [ensureDeferred(small.row(SLEEP, seconds=0.6)) for _ in range(6)]
        await eventually("the share is in use", lambda: small.pool.state()["active"] == 2)
        assert await small.row(LIMIT) is not None
        for refused in busy[2:]:
            with pytest.raises(Overloaded):
                await refused
        assert len(told) == 4
        for done in busy[:2]:
            await done
        assert await small.row(LIMIT) is not None
    finally:
        await small.stop()


async def test_who_asks_for_much_at_once_waits_for_their_own_and_nobody_else_for_all_of_it(database: Database) -> None:
    small, done = Database(reactor, database.settings, 4, 10.0), list[str]()
    small.start()

    async def ask(who: str) -> None:
        with asked_by(who):
            await small.row(SLEEP, seconds=0.1)
        done.append(who)

    try:
        crowd = [ensureDeferred(ask("crowd")) for _ in range(8)]
        await eventually("the share is in use", lambda: small.pool.state()["active"] == 2)
        for one in [ensureDeferred(ask("stranger")), ensureDeferred(ask("another")), *crowd]:
            await one
        assert {"stranger", "another"} <= set(done[2:6]), done
    finally:
        await small.stop()


async def test_one_who_gave_up_waiting_is_passed_over(database: Database) -> None:
    small = Database(reactor, database.settings, 2, 0.2)
    small.start()
    try:
        busy = ensureDeferred(small.row(SLEEP, seconds=0.5))
        await eventually("the share is in use", lambda: small.pool.state()["active"] == 1)
        with pytest.raises(Overloaded):
            await small.row(SLEEP, seconds=0.0)
        await busy
        await small.row(SLEEP, seconds=0.0)
    finally:
        await small.stop()


async def test_a_heavy_statement_ends_in_its_own_time_and_leaves_the_connection_as_it_was(database: Database) -> None:
    small = Database(reactor, attrs.evolve(database.settings, heavy_timeout=0.3), 2, 2.0)
    small.start()
    try:
        usual = await small.row(LIMIT)
        for _ in range(3):
            assert await small.row(HEAVY_LIMIT) == "300ms"  # the first time on a connection, too
        with pytest.raises(Unavailable):
            await small.row(SLEEP, seconds=30.0)
        assert await small.row(LIMIT) == usual
        assert small.pool.state()["open"] == 2
    finally:
        await small.stop()

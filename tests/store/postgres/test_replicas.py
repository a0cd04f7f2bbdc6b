"""Reads go to a replica that is near enough, and to the primary otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from harvestd.kernel.errors import Unavailable
from harvestd.store.postgres.connection_settings import ConnectionSettings
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.replicas import Replicas
from harvestd.store.postgres.statements import Statement, nothing, scalar
from servers import PostgresServer
from servers.pace import Pace
from tests.waiting import eventually

WHERE = Statement("where", "select current_database()::text", scalar)
IN_RECOVERY = Statement("in recovery", "select pg_is_in_recovery()", scalar)
COUNT = Statement("count", "select count(*) from things", scalar)
MAX_LAG = 1.0


def name_of(url: str) -> str:
    return url.split("/")[3].split("?")[0]


class Lag:
    """A probe whose answer the test sets; an exception is raised."""

    def __init__(self) -> None:
        self.is_: Any = 0.0
        self.measured = 0

    async def __call__(self, replica: Database) -> float:
        self.measured += 1
        if isinstance(self.is_, Exception):
            raise self.is_
        if isinstance(self.is_, Deferred):
            await self.is_
            return 0.0
        return float(self.is_)

    async def set(self, lag: Any) -> None:
        """Set it, and wait until it was measured."""
        self.is_, before = lag, self.measured
        await eventually("it was measured", lambda: self.measured > before + 1)


@pytest.fixture
def lag() -> Lag:
    return Lag()


@pytest_twisted.async_yield_fixture
async def routed(connected: Any, database_url: str, second_database_url: str, lag: Lag) -> Any:
    """The first database as the primary, the second, which has nothing to do with it, as the replica."""
    from twisted.internet import reactor

    replica = Database(reactor, ConnectionSettings(second_database_url), size=2, wait=0.2)
    reads = Replicas(reactor, connected(database_url), [replica], max_lag=MAX_LAG, every=0.02, probe=lag)
    await reads.start()
    yield reads
    await Deferred.fromCoroutine(reads.stop()).addTimeout(10, reactor)


async def test_a_replica_within_the_limit_is_read(routed: Replicas, second_database_url: str, lag: Lag) -> None:
    await lag.set(MAX_LAG)
    assert await routed.row(WHERE) == name_of(second_database_url)
    assert await routed.rows(WHERE) == [name_of(second_database_url)]
    assert routed.lags() == {"replica 1": MAX_LAG}


async def test_a_replica_too_far_behind_is_not_read_until_it_has_caught_up(
    routed: Replicas, database_url: str, second_database_url: str, lag: Lag
) -> None:
    await lag.set(MAX_LAG + 0.01)
    assert await routed.row(WHERE) == name_of(database_url)
    await lag.set(0.0)
    assert await routed.row(WHERE) == name_of(second_database_url)


async def test_before_anything_was_measured_and_when_it_cannot_be_the_primary_is_read(
    routed: Replicas, database_url: str, lag: Lag
) -> None:
    await lag.set(Unavailable("away"))
    assert await routed.row(WHERE) == name_of(database_url)
    assert routed.lags() == {"replica 1": float("inf")}


async def test_a_replica_that_has_not_been_measured_for_long_is_not_read(
    routed: Replicas, database_url: str, second_database_url: str, lag: Lag
) -> None:
    """A probe that hangs must not leave its last number standing."""
    await lag.set(0.0)
    lag.is_ = silent = Deferred()
    assert await routed.row(WHERE) == name_of(second_database_url)
    await eventually("its number is too old", lambda: routed.lags() == {"replica 1": float("inf")}, 2 * MAX_LAG)
    assert await routed.row(WHERE) == name_of(database_url)
    silent.callback(None)


async def test_no_read_measures(routed: Replicas, lag: Lag) -> None:
    await lag.set(0.0)
    before = lag.measured
    for _ in range(100):
        await routed.row(WHERE)
    assert lag.measured < before + 60, "it measures by the clock"


async def test_a_read_whose_replica_goes_away_is_answered_by_the_primary(
    routed: Replicas, postgres: PostgresServer, database_url: str, second_database_url: str, lag: Lag
) -> None:
    await lag.set(0.0)
    postgres.drop(name_of(second_database_url))
    assert await routed.row(WHERE) == name_of(database_url)


async def test_an_error_of_the_statement_is_not_tried_elsewhere(routed: Replicas, lag: Lag) -> None:
    from psycopg2 import errors

    await lag.set(0.0)
    with pytest.raises(errors.DivisionByZero):
        await routed.row(Statement("zero", "select 1 / :value::int", nothing), value=0)


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[PostgresServer, PostgresServer]]:
    """A primary and a real streaming replica of it."""
    primary = PostgresServer()
    primary.start()
    primary.query("postgres", "create table things (n int)")
    replica = PostgresServer(primary=primary)
    replica.start()
    yield primary, replica
    replica.remove()
    primary.remove()


async def test_a_real_replica_is_read_left_out_while_it_lags_and_read_again(
    connected: Any, pair: tuple[PostgresServer, PostgresServer]
) -> None:
    from twisted.internet import reactor

    primary, replica = pair
    behind = Database(reactor, ConnectionSettings(replica.url()), size=2, wait=0.2)
    reads = Replicas(reactor, connected(primary.url()), [behind], max_lag=0.4, every=0.05)
    await reads.start()
    try:
        await eventually("the replica is read", lambda: reads.row(IN_RECOVERY))
        for _ in range(5):  # while nothing is written, it stays near
            await eventually("it was measured", lambda: reads.lags()["replica 1"] < 0.2)
            assert await reads.row(IN_RECOVERY)
        replica.query("postgres", "select pg_wal_replay_pause()")
        primary.query("postgres", "insert into things values (1)")
        pace = Pace()
        await eventually("the replica is left out", lambda: _of_the_primary(reads), 2)
        assert pace.seconds() < 1.5
        assert await reads.row(COUNT) == 1, "and what was written is seen"
        replica.query("postgres", "select pg_wal_replay_resume()")
        await eventually("it is read again", lambda: reads.row(IN_RECOVERY), 5)
        assert await reads.row(COUNT) == 1
        replica.freeze()
        pace = Pace()
        await eventually("a frozen one is left out", lambda: _of_the_primary(reads), 10)
        assert await reads.row(COUNT) == 1
        assert pace.seconds() < 8.5
        replica.thaw()
        await eventually("it is read again", lambda: reads.row(IN_RECOVERY), 10)
    finally:
        replica.thaw()
        await reads.stop()


async def test_a_replica_that_was_promoted_is_no_replica_any_more(connected: Any) -> None:
    from twisted.internet import reactor

    primary = PostgresServer()
    try:
        primary.start()
        other = Database(reactor, ConnectionSettings(primary.url()), size=1)
        reads = Replicas(reactor, connected(primary.url()), [other], every=0.02)
        await reads.start()
        await eventually("it was measured", lambda: other.pool.state()["open"])
        assert await reads.row(WHERE) == "postgres"
        assert reads.lags() == {"replica 1": float("inf")}
        await reads.stop()
    finally:
        primary.remove()


async def _of_the_primary(reads: Replicas) -> bool:
    return not await reads.row(IN_RECOVERY)

"""What the pool does when PostgreSQL is restarted, frozen, full, or away: bounded waits, then health, by itself."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred, DeferredList, gatherResults

from harvestd.kernel.errors import Unavailable
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.faults import ConnectionLost, TimedOut
from harvestd.store.postgres.statements import Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction
from servers import PostgresServer
from servers.pace import Pace
from tests.waiting import eventually

PID = Statement("pid", "select pg_backend_pid()", scalar)
SLEEP = Statement("sleep", "select pg_sleep(:seconds)", nothing)
WHOLE = {"open": 4, "active": 0, "waiting": 0}


async def whole(database: Database) -> None:
    size = database.pool.size
    await eventually("every connection is open", lambda: database.pool.state() == {**WHOLE, "open": size}, 10)


async def answers(database: Database) -> Any:
    try:
        return await database.row(PID)
    except Unavailable:
        return None


async def test_a_crash_of_the_server_is_healed_within_five_seconds(connected: Any, breakable: PostgresServer) -> None:
    database = connected(breakable.url())
    await whole(database)
    breakable.stop("immediate")
    await eventually("all connections are known to be lost", lambda: database.pool.state()["open"] == 0, 2)
    with pytest.raises(Unavailable, match=r"no database connection within 0\.3 s"):
        database.pool._wait = 0.3
        await database.row(PID)
    breakable.begin()
    await eventually("the server accepts", breakable._answers)
    pace = Pace()
    await eventually("a query is answered", lambda: answers(database), 5)
    await whole(database)
    assert pace.seconds() < 5


async def test_after_a_crash_no_query_fails_that_finds_a_connection(connected: Any, breakable: PostgresServer) -> None:
    """The server is gone and back before the reactor turns: the first query meets eight dead connections."""
    database = connected(breakable.url(), size=8, wait=5.0)
    await whole(database)
    breakable.restart("immediate")
    assert database.pool.state()["open"] == 8, "nothing has noticed yet"
    assert await database.row(PID)
    await whole(database)


async def test_a_transaction_that_finds_only_dead_connections_runs_on_a_new_one(
    connected: Any, breakable: PostgresServer
) -> None:
    database = connected(breakable.url(), size=8, wait=5.0)
    await whole(database)
    breakable.restart("immediate")

    async def work(tx: Transaction) -> int:
        return await tx.row(PID)

    assert await database.transaction(work)


async def test_connections_closed_one_by_one_are_replaced_and_fail_nobody(
    connected: Any, breakable: PostgresServer
) -> None:
    database = connected(breakable.url())
    await whole(database)
    others = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'harvestd'"
    for _ in range(3):
        breakable.query("postgres", others)
        await gatherResults([Deferred.fromCoroutine(database.row(PID)) for _ in range(20)])
    await whole(database)


async def test_a_query_whose_connection_dies_twice_is_unavailable(connected: Any, breakable: PostgresServer) -> None:
    database = connected(breakable.url(), size=2)
    sleeping = Deferred.fromCoroutine(database.row(SLEEP, seconds=4))
    ended: list[int] = []

    def end() -> bool:
        """One that sleeps and has not been ended; who has been may take a while to go."""
        for (pid,) in breakable.query("postgres", "select pid from pg_stat_activity where wait_event = 'PgSleep'"):
            if pid not in ended:
                ended.append(pid)
                return bool(breakable.query("postgres", f"select pg_terminate_backend({pid})"))
        return False

    for _ in range(2):
        await eventually("it was ended", end)
    with pytest.raises(ConnectionLost):
        await sleeping


async def test_a_frozen_server_is_given_up_in_bounded_time_and_heals_when_it_goes_on(
    connected: Any, breakable: PostgresServer
) -> None:
    database = connected(breakable.url(), size=2, wait=0.3, statement_timeout=0.5, grace=0.2, connect_timeout=0.5)
    await whole(database)
    breakable.freeze()
    pace = Pace()
    outcomes = await DeferredList([Deferred.fromCoroutine(database.row(PID)) for _ in range(4)], consumeErrors=True)
    assert pace.seconds() < 1.5
    assert [type(failure.value) for _, failure in outcomes] == [TimedOut, TimedOut, Unavailable, Unavailable]
    pace = Pace()

    async def work(tx: Transaction) -> None:
        await tx.row(PID)

    with pytest.raises(Unavailable):
        await database.transaction(work)
    assert pace.seconds() < 1.0
    breakable.thaw()
    await eventually("it heals", lambda: answers(database), 5)
    await whole(database)


async def test_a_busy_pool_makes_wait_in_order_and_for_a_bounded_time(
    connected: Any, breakable: PostgresServer
) -> None:
    database = connected(breakable.url(), size=1, wait=0.5)
    await whole(database)
    first = Deferred.fromCoroutine(database.row(SLEEP, seconds=0.1))
    second = Deferred.fromCoroutine(database.row(SLEEP, seconds=1))
    third = Deferred.fromCoroutine(database.row(PID))
    assert database.pool.state() == {"open": 1, "active": 1, "waiting": 2}
    await first
    with pytest.raises(Unavailable, match="every connection is busy"):
        await third
    await second
    assert await database.row(PID)


async def test_a_caller_that_goes_away_while_it_waits_takes_no_connection_with_it(
    connected: Any, breakable: PostgresServer
) -> None:
    database = connected(breakable.url(), size=1)
    first = Deferred.fromCoroutine(database.row(SLEEP, seconds=0.1))
    second = Deferred.fromCoroutine(database.row(PID))
    second.addErrback(lambda _: None)
    second.cancel()
    await first
    assert database.pool.state() == {"open": 1, "active": 0, "waiting": 0}
    assert await database.row(PID)


async def test_a_full_server_makes_callers_wait_then_unavailable_then_recovers(
    connected: Any, breakable: PostgresServer
) -> None:
    """Somebody else has every connection that an ordinary user may have."""
    import psycopg2

    as_market = breakable.url().replace("harvest@", "market@")
    hogs = [psycopg2.connect(as_market) for _ in range(9)]
    try:
        database = connected(as_market, wait=0.4)
        pace = Pace()
        with pytest.raises(Unavailable, match=r"reserved|too many"):
            await database.row(PID)
        assert pace.seconds() < 1.0
    finally:
        for hog in hogs:
            hog.close()
    await eventually("it recovers", lambda: answers(database), 5)
    await whole(database)


async def test_a_pool_with_fewer_connections_than_wanted_works_with_what_it_has(
    connected: Any, breakable: PostgresServer
) -> None:
    database = connected(breakable.url().replace("harvest@", "market@"), size=12, wait=1.0)
    await eventually("it has what there is", lambda: database.pool.state()["open"] >= 8)
    pids = await gatherResults([Deferred.fromCoroutine(database.row(PID)) for _ in range(40)])
    assert len(pids) == 40


async def test_a_server_that_is_not_there_is_unavailable_and_says_why(connected: Any, tmp_path: Any) -> None:
    database = connected(f"postgresql://nobody@/nothing?host={tmp_path}", wait=0.2)
    with pytest.raises(Unavailable, match="No such file or directory"):
        await database.row(PID)


async def test_a_host_name_is_looked_up_off_the_reactor(connected: Any) -> None:
    database = connected("postgresql://nobody@no-such-host.invalid/nothing", wait=0.5)
    with pytest.raises(Unavailable, match="no database connection"):
        await database.row(PID)


async def test_a_server_that_accepts_and_says_nothing_is_given_up(connected: Any, tmp_path: Any) -> None:
    """A listener whose backlog takes the connection, and nobody behind it."""
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        url = f"postgresql://nobody@127.0.0.1:{listener.getsockname()[1]}/nothing"
        database = connected(url, wait=0.6, connect_timeout=0.3)
        with pytest.raises(Unavailable, match=r"no answer within 0\.3 s"):
            await database.row(PID)


async def test_stop_waits_for_what_is_in_use(connected: Any, breakable: PostgresServer) -> None:
    database = connected(breakable.url())
    await whole(database)
    sleeping = Deferred.fromCoroutine(database.row(SLEEP, seconds=0.3))
    stopping = Deferred.fromCoroutine(database.stop())
    assert not stopping.called
    with pytest.raises(Unavailable, match="stopping"):
        await database.row(PID)
    await sleeping
    await stopping
    assert database.pool.state() == {"open": 0, "active": 0, "waiting": 0}


async def test_stop_does_not_wait_for_a_connect_that_hangs(connected: Any, breakable: PostgresServer) -> None:
    breakable.freeze()
    database = connected(breakable.url(), connect_timeout=60.0)
    waiting = Deferred.fromCoroutine(database.row(PID))
    await Deferred.fromCoroutine(database.stop())
    with pytest.raises(Unavailable, match="stopping"):
        await waiting


async def test_a_server_that_became_read_only_is_left(connected: Any, breakable: PostgresServer) -> None:
    """After a failover the old primary answers writes with 25006: its connections are closed and made anew."""
    database = connected(breakable.url(), size=1)
    breakable.query("postgres", "create table if not exists writes (n int)")
    write = Statement("write", "insert into writes values (1)", nothing)
    pid = await database.row(PID)
    breakable.query("postgres", "alter database postgres set default_transaction_read_only = on")
    other = connected(breakable.url(), size=1)

    async def work(tx: Transaction) -> None:
        await tx.run(write)

    try:
        with pytest.raises(ConnectionLost, match="read-only"):
            await other.transaction(work)
    finally:
        breakable.query(
            "postgres", "set transaction_read_only = off; alter database postgres reset default_transaction_read_only"
        )
    await eventually("it writes again", lambda: _wrote(other, work), 5)
    assert await database.row(PID) == pid


async def _wrote(database: Database, work: Any) -> bool:
    try:
        await database.transaction(work)
    except Unavailable:
        return False
    return True

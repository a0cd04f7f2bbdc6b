"""Transactions: whole or not at all, run again for what passes, and never left open."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg2 import errors as pg
from twisted.internet.defer import CancelledError, Deferred, gatherResults

from harvestd.kernel.errors import OutOfStock, Unavailable
from harvestd.store.postgres.connection import Connection
from harvestd.store.postgres.database import ATTEMPTS
from harvestd.store.postgres.faults import ConnectionLost, TimedOut
from harvestd.store.postgres.statements import Statement, nothing, scalar
from harvestd.store.postgres.transactions import CommitUncertain, Transaction
from tests.waiting import eventually

PUT = Statement("put", "insert into counters (name, n) values (:name, :n)", nothing)
GET = Statement("get", "select n from counters where name = :name", scalar)
ADD = Statement("add", "update counters set n = n + :n where name = :name returning n", scalar)
SET = Statement("set", "update counters set n = :n where name = :name", nothing)
SUM = Statement("sum", "select sum(n)::int from counters", scalar)
PID = Statement("pid", "select pg_backend_pid()", scalar)
STATES = Statement(
    "states",
    "select state from pg_stat_activity where datname = current_database() and application_name = 'harvestd'"
    " and pid <> pg_backend_pid()",
    scalar,
)
COUNTERS = "create table counters (name text primary key, n int, check (n < 1000))"


@pytest.fixture
def counters(postgres: Any, database_url: str) -> str:
    """A database with a table of counters a and b, both 0."""
    name = database_url.split("/")[3].split("?")[0]
    postgres.query(name, COUNTERS)
    postgres.query(name, "insert into counters values ('a', 0), ('b', 0)")
    return database_url


async def test_work_is_kept_when_it_returns_and_undone_when_it_raises(connected: Any, counters: str) -> None:
    database = connected(counters)

    async def work(tx: Transaction, fail: bool = False) -> int:
        assert await tx.run(SET, name="a", n=7) == 1
        if fail:
            raise OutOfStock("nothing left")
        return 7

    with pytest.raises(OutOfStock):
        await database.transaction(lambda tx: work(tx, fail=True))
    assert await database.row(GET, name="a") == 0
    assert await database.transaction(work) == 7
    assert await database.row(GET, name="a") == 7


async def test_work_without_a_statement_sends_nothing(connected: Any, counters: str) -> None:
    database = connected(counters)

    async def work(tx: Transaction) -> bool:
        return tx.begun

    assert await database.transaction(work) is False


async def test_a_swallowed_error_is_not_a_commit(connected: Any, counters: str) -> None:
    """PostgreSQL answers COMMIT after a failed statement with ROLLBACK: the caller must not hear of a success."""
    database = connected(counters)

    async def work(tx: Transaction) -> str:
        await tx.run(SET, name="a", n=7)
        try:
            await tx.run(PUT, name="a", n=1)
        except pg.UniqueViolation:
            pass
        return "fine"

    with pytest.raises(RuntimeError, match="went on after a statement failed"):
        await database.transaction(work)
    assert await database.row(GET, name="a") == 0


async def test_a_deadlock_is_run_again(connected: Any, counters: str) -> None:
    """Two transactions that lock a and b in opposite order: PostgreSQL ends one, which then runs again."""
    database = connected(counters, lock_timeout=10.0)
    met: dict[str, Deferred[None]] = {"a": Deferred(), "b": Deferred()}
    runs = []

    async def work(tx: Transaction, first: str, second: str) -> None:
        runs.append(first)
        await tx.row(ADD, name=first, n=1)
        if not met[first].called:
            met[first].callback(None)
        await eventually("the other has its lock", lambda: met[second].called)
        await tx.row(ADD, name=second, n=1)

    await gatherResults(
        [
            Deferred.fromCoroutine(database.transaction(lambda tx: work(tx, "a", "b"))),
            Deferred.fromCoroutine(database.transaction(lambda tx: work(tx, "b", "a"))),
        ]
    )
    assert len(runs) > 2, "no deadlock happened"
    assert (await database.row(GET, name="a"), await database.row(GET, name="b")) == (2, 2)


async def test_serialization_failures_are_run_again_until_all_are_done(connected: Any, counters: str) -> None:
    """Write skew: each reads the sum of both and sets one. Serial runs alone give these numbers."""
    database = connected(counters + "&options=-c%20default_transaction_isolation%3Dserializable", wait=10.0)
    runs: list[str] = []
    read: list[Deferred[None]] = []

    async def both(name: str) -> None:
        """Until both have read, the first time that each does."""
        if runs.count(name) > 1:
            return
        if read:
            read.pop().callback(None)
        else:
            read.append(Deferred())
            await read[0]

    async def work(tx: Transaction, name: str) -> None:
        runs.append(name)
        total = await tx.row(SUM)
        await both(name)
        await tx.run(SET, name=name, n=total + 1)

    for _ in range(5):
        runs.clear()
        before = await database.row(SUM)
        await gatherResults(
            [Deferred.fromCoroutine(database.transaction(lambda tx, name=name: work(tx, name))) for name in "ab"]
        )
        after = sorted([await database.row(GET, name="a"), await database.row(GET, name="b")])
        assert before + 1 in after, "the one that came first saw the old sum"
        assert after[0] != after[1], "both saw the old sum: not serializable"
        assert len(runs) > 2, "one of them was run again"


async def test_a_conflict_that_never_ends_is_unavailable(connected: Any, counters: str) -> None:
    database = connected(counters + "&options=-c%20default_transaction_isolation%3Drepeatable%5C%20read")
    other = connected(counters)
    runs = []

    async def meddle(tx: Transaction) -> None:
        await tx.row(ADD, name="a", n=1)

    async def work(tx: Transaction) -> None:
        runs.append(await tx.row(GET, name="a"))  # takes the snapshot
        await other.transaction(meddle)
        await tx.row(ADD, name="a", n=1)

    with pytest.raises(Unavailable, match="too many others"):
        await database.transaction(work)
    assert runs == list(range(ATTEMPTS))
    assert await database.row(GET, name="a") == ATTEMPTS  # the meddler's alone


async def test_a_lock_that_is_not_granted_times_out_and_the_connection_lives_on(connected: Any, counters: str) -> None:
    holder, waiter = connected(counters), connected(counters, size=1, lock_timeout=0.1)
    held, release = Deferred(), Deferred()

    async def hold(tx: Transaction) -> None:
        await tx.row(ADD, name="a", n=1)
        held.callback(None)
        await release

    async def want(tx: Transaction) -> None:
        await tx.row(ADD, name="a", n=1)

    holding = Deferred.fromCoroutine(holder.transaction(hold))
    await held
    pid = await waiter.row(PID)
    with pytest.raises(TimedOut):
        await waiter.transaction(want)
    assert await waiter.row(PID) == pid
    release.callback(None)
    await holding
    await waiter.transaction(want)
    assert await waiter.row(GET, name="a") == 2


async def test_a_connection_lost_before_the_commit_runs_the_work_again(
    connected: Any, counters: str, postgres: Any
) -> None:
    database = connected(counters)
    runs = []

    async def work(tx: Transaction) -> None:
        runs.append(await tx.row(ADD, name="a", n=1))
        if len(runs) == 1:
            postgres.query("postgres", "select pg_terminate_backend(%s)", await tx.row(PID))
        await tx.row(ADD, name="b", n=1)

    await database.transaction(work)
    assert runs == [1, 1]
    assert (await database.row(GET, name="a"), await database.row(GET, name="b")) == (1, 1)


async def test_a_connection_lost_in_the_commit_is_not_run_again(connected: Any, counters: str, postgres: Any) -> None:
    """A deferred trigger holds the COMMIT until its backend is ended: nobody can know whether it was kept."""
    name = counters.split("/")[3].split("?")[0]
    postgres.query(
        name,
        "create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(30); return null; end $$;"
        "create constraint trigger slow after update on counters deferrable initially deferred"
        " for each row execute function slow()",
    )
    database = connected(counters, statement_timeout=20.0)
    runs = []

    async def work(tx: Transaction) -> None:
        runs.append(await tx.row(PID))
        await tx.row(ADD, name="a", n=1)

    committing = Deferred.fromCoroutine(database.transaction(work))
    sleeping = "select count(*) from pg_stat_activity where pid = %s and query = 'COMMIT' and wait_event = 'PgSleep'"
    await eventually("it commits", lambda: runs and postgres.query(name, sleeping, runs[0]) == [(1,)])
    postgres.query(name, "select pg_terminate_backend(%s)", runs[0])
    with pytest.raises(CommitUncertain, match="not known"):
        await committing
    assert len(runs) == 1


async def test_cancelled_work_is_undone_not_run_again_and_blocks_nobody(connected: Any, counters: str) -> None:
    """A hang-up in the middle of a statement: the connection is closed, another takes its place, nothing is kept."""
    database = connected(counters, size=2)
    runs = []
    sleep = Statement("sleep", "select pg_sleep(20)", nothing)

    async def work(tx: Transaction) -> None:
        runs.append(await tx.row(ADD, name="a", n=1))
        await tx.row(sleep)

    working = Deferred.fromCoroutine(database.transaction(work))
    await eventually("the work is under way", lambda: runs)
    working.cancel()
    with pytest.raises(CancelledError):
        await working
    assert runs == [1]
    await eventually("the pool is whole", lambda: database.pool.state() == {"open": 2, "active": 0, "waiting": 0})
    assert await database.row(GET, name="a") == 0


async def test_no_connection_comes_back_with_a_transaction_open_or_aborted(connected: Any, counters: str) -> None:
    """Whoever gives a connection back in a transaction gets it closed: the next user never inherits one."""
    database = connected(counters, size=1)
    for sql in ("begin", "begin; select 1/0", "begin; update counters set n = 5"):
        link = await database.pool.take()
        try:
            await link.execute(sql)
        except pg.DivisionByZero:
            pass
        database.pool.give(link)
        assert await database.row(GET, name="a") == 0

    async def idle() -> bool:
        return set(await database.rows(STATES)) <= {"idle"}

    await eventually("what was closed has ended", idle)


async def test_a_coroutine_that_is_thrown_away_leaves_no_transaction(connected: Any, counters: str) -> None:
    database = connected(counters, size=1)
    begun: list[Any] = []

    async def work(tx: Transaction) -> None:
        begun.append(await tx.row(ADD, name="a", n=1))
        await Deferred()

    running = database.transaction(work)
    deferred = Deferred.fromCoroutine(running)
    await eventually("the work is under way", lambda: begun)
    del deferred
    running.close()
    assert await database.row(GET, name="a") == 0


async def test_a_deferred_constraint_that_fails_at_the_commit_reaches_the_caller(
    connected: Any, counters: str, postgres: Any
) -> None:
    name = counters.split("/")[3].split("?")[0]
    postgres.query(name, "create table singles (n int unique deferrable initially deferred)")
    database = connected(counters, size=1)
    put = Statement("put single", "insert into singles values (:n)", nothing)

    async def work(tx: Transaction) -> None:
        await tx.run(put, n=1)
        await tx.run(put, n=1)

    with pytest.raises(pg.UniqueViolation):
        await database.transaction(work)
    assert await database.row(Statement("count", "select count(*) from singles", scalar)) == 0


def test_a_lost_connection_and_a_timeout_are_unavailable() -> None:
    """Which the web answers with 503 and Retry-After."""
    assert issubclass(ConnectionLost, Unavailable) and issubclass(TimedOut, Unavailable)
    assert issubclass(CommitUncertain, Unavailable) and not issubclass(CommitUncertain, ConnectionLost)


# --- what is run for its effect travels with what comes next ---


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was sent to PostgreSQL, a round trip each; preparing left out."""
    sent: list[str] = []
    execute = Connection.execute

    async def noted(link: Connection, sql: str, parameters: Any = ()) -> Any:
        if "PREPARE" not in sql:
            sent.append(sql)
        return await execute(link, sql, parameters)

    monkeypatch.setattr(Connection, "execute", noted)
    return sent


async def test_what_is_run_later_goes_with_the_next_statement_and_is_seen_by_it(
    connected: Any, counters: str, trips: list[str]
) -> None:
    database = connected(counters, size=1)

    async def work(tx: Transaction) -> Any:
        tx.later(SET, name="a", n=1)
        tx.later(SET, name="b", n=2)
        seen = await tx.row(SUM)
        tx.later(SET, name="b", n=5)
        return seen

    assert await database.transaction(work) == 3
    trips.clear()
    assert await database.transaction(work) == 3
    assert len(trips) == 2
    assert trips[0].startswith("BEGIN; ") and trips[0].endswith('EXECUTE "sum"')
    assert trips[1].endswith("; COMMIT")
    assert await database.row(SUM) == 6


async def test_what_is_only_run_later_is_one_round_trip(connected: Any, counters: str, trips: list[str]) -> None:
    database = connected(counters, size=1)

    async def work(tx: Transaction) -> None:
        tx.later(ADD, name="a", n=1)

    for _ in range(2):
        trips.clear()
        await database.transaction(work)
    assert len(trips) == 1
    assert await database.row(GET, name="a") == 2


@pytest.mark.parametrize("where", ["the next statement", "the commit"])
async def test_what_fails_later_undoes_everything(connected: Any, counters: str, where: str) -> None:
    database = connected(counters, size=1)

    async def work(tx: Transaction) -> None:
        await tx.run(SET, name="a", n=1)
        tx.later(SET, name="b", n=1000)
        tx.later(SET, name="a", n=2)
        if where == "the next statement":
            await tx.row(SUM)

    with pytest.raises(pg.CheckViolation):
        await database.transaction(work)
    assert await database.row(SUM) == 0
    assert await database.row(GET, name="a") == 0, "and the connection is of use"


async def test_work_that_raises_never_runs_what_was_for_later(connected: Any, counters: str, trips: list[str]) -> None:
    database = connected(counters, size=1)

    async def work(tx: Transaction) -> None:
        tx.later(SET, name="a", n=1)
        raise OutOfStock("nothing left")

    with pytest.raises(OutOfStock):
        await database.transaction(work)
    assert trips == []
    assert await database.row(GET, name="a") == 0


async def test_a_lock_that_is_not_granted_before_the_commit_is_no_doubt_about_it(connected: Any, counters: str) -> None:
    """Whoever asks may be told that nothing happened."""
    database = connected(counters, lock_timeout=0.2)
    holding, held = Deferred[None](), Deferred[None]()

    async def hold(tx: Transaction) -> None:
        await tx.run(SET, name="a", n=1)
        held.callback(None)
        await holding

    async def wait(tx: Transaction) -> None:
        tx.later(SET, name="b", n=1)
        tx.later(SET, name="a", n=2)

    first = Deferred.fromCoroutine(database.transaction(hold))
    await held
    with pytest.raises(TimedOut) as told:
        await database.transaction(wait)
    assert not isinstance(told.value, CommitUncertain)
    holding.callback(None)
    await first
    assert (await database.row(GET, name="a"), await database.row(GET, name="b")) == (1, 0)


async def test_a_deadlock_of_what_was_for_later_is_run_again(connected: Any, counters: str) -> None:
    database = connected(counters)
    both: list[Deferred[None]] = [Deferred(), Deferred()]
    runs = []

    async def cross(tx: Transaction, mine: int) -> None:
        runs.append(mine)
        await tx.run(ADD, name="ab"[mine], n=1)
        if not both[mine].called:
            both[mine].callback(None)
        await gatherResults([both[1 - mine]])
        tx.later(ADD, name="ab"[1 - mine], n=1)

    await gatherResults([Deferred.fromCoroutine(database.transaction(lambda tx, i=i: cross(tx, i))) for i in (0, 1)])
    assert len(runs) == 3
    assert await database.row(SUM) == 4


@pytest.mark.parametrize(("once", "plans"), [(True, (3, 0)), (False, (0, 3))])
async def test_a_transaction_that_finds_rows_by_their_keys_plans_a_statement_once(
    connected: Any, counters: str, once: bool, plans: tuple[int, int]
) -> None:
    """And its connection goes on as before."""
    database = connected(counters, size=1)
    kept = Statement(
        "plans", "select generic_plans, custom_plans from pg_prepared_statements where name = 'add'", lambda *c: c
    )
    mode = Statement("mode", "select current_setting('plan_cache_mode')", scalar)
    for _ in range(3):
        await database.transaction(lambda tx: tx.run(ADD, name="a", n=1), by_keys=once)
    assert await database.row(kept) == plans
    assert await database.row(mode) == "auto"


async def test_and_by_an_index_however_small_the_table_was_then(connected: Any, counters: str, postgres: Any) -> None:
    """Otherwise what was planned for two rows reads all of the table, until it is analysed again."""
    postgres.query(counters.split("/")[3].split("?")[0], "vacuum analyze counters")
    seen = Statement("seen", "select seq_scan from pg_stat_xact_user_tables where relname = 'counters'", scalar)

    async def work(tx: Transaction) -> int | None:
        await tx.rows(GET, name="a")
        return await tx.row(seen)

    scans = [await connected(counters, size=1).transaction(work, by_keys=by_keys) for by_keys in (False, True)]
    assert scans == [1, 0]


async def test_a_connection_keeps_a_bounded_number_of_statements(
    connected: Any, counters: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A listing has thousands of combinations, and whoever asks for them all takes no more memory."""
    monkeypatch.setattr("harvestd.store.postgres.connection.MAX_PREPARED", 5)
    database = connected(counters, size=1)
    count = Statement("kept", "select count(*)::int from pg_prepared_statements", scalar)
    for number in range(12):
        statement = Statement(f"number {number}", f"select {number}", scalar)
        assert await database.row(GET, name="a") == 0, "what is in use stays"
        assert await database.row(statement) == number
        assert await database.row(count) <= 5
    assert await database.row(Statement("number 0", "select 0", scalar)) == 0

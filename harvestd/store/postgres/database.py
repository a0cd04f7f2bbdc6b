"""Statements, reads and transactions on PostgreSQL.

The rest of the program sees three types only: a :class:`Statement` (SQL beside the type of its rows), the
:class:`Database` (reads, one statement at a time) and the :class:`Transaction` that :meth:`Database.transaction` passes
to its work.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

import attrs
from psycopg2.extensions import TransactionRollbackError
from twisted.logger import Logger

from harvestd.kernel.errors import Overloaded, Unavailable
from harvestd.kernel.events import Event
from harvestd.runtime.backoff import Backoff
from harvestd.runtime.failpoints import failpoint
from harvestd.runtime.lifecycle import sleep
from harvestd.runtime.tracing import current_asker
from harvestd.store.postgres.connection import Call, Connection, ConnectionLost, ConnectionSettings, TimedOut
from harvestd.store.postgres.pool import Pool
from harvestd.store.postgres.share import Share

Row = TypeVar("Row")
Result = TypeVar("Result")

#: How often the work of a transaction is run before its conflict becomes Unavailable; and the longest backoff in
#: seconds before the second attempt, which doubles each time, up to the last.
ATTEMPTS = 5
FIRST_PAUSE, LAST_PAUSE = 0.02, 0.16

#: How a transaction begins whose statements find rows by their keys: with a generic plan, on an index. By default
#: PostgreSQL plans ``id = any(:ids)`` anew for each short list, since it assumes ten elements in an unknown list; and a
#: plan made while a table was small is a sequential scan, until the next ANALYZE, however much the table has grown by
#: then.
BY_KEYS = "BEGIN; SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off"

#: A heavy statement uses one core and no JIT: one parallel search would cost as much as several.
ALONE = "SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL jit = off"

#: A valid statement name: within PostgreSQL's limit (longer names are truncated, and might collide), without characters special in quoting.
NAME = re.compile(r"""[^"%\0]{1,63}""")


#: How many transactions had ended when a statement began: of two counts, the higher one's statement saw all that the
#: lower one's saw, in any process. A replica cannot tell.
ENDED = """(select case when not pg_is_in_recovery() then
    pg_snapshot_xmax(now)::text::bigint - (select count(*) from pg_snapshot_xip(now)) end from pg_current_snapshot() as now)"""
#: Where a keyset begins without a cursor: ``id < coalesce(:after, LAST_ID)`` is an index range in every plan, which
#: ``:after is null or id < :after`` is not in a generic plan.
FIRST_ID, LAST_ID = "'00000000-0000-0000-0000-000000000000'::uuid", "'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid"


#: A parameter, not a cast (``::text``) or part of a word.
_PARAMETER = re.compile(r"(?<![:\w]):([a-z][a-z0-9_]*)")
_NUMBERED = re.compile(r"\$\d")


@attrs.frozen(eq=False)
class Statement(Generic[Row]):
    """One SQL statement with named parameters (``:farm_id``) and the type that its rows become.

    No literal in it may have a colon before a small letter: that would be a parameter. ``name`` is unique in the
    program: each connection prepares the statement under it at first use. ``sql`` is compiled to PostgreSQL's ``$n``
    once; ``names`` are its parameters in that order, and a caller gives a value for each and no other. ``into`` is
    called with a row's columns in order. Values: str, int, Decimal, bool, datetime, bytes, None; lists become arrays
    and dicts JSON of the parameter's type. ``heavy`` ones, for searches, have a share of the connections and a timeout
    of their own.
    """

    name: str
    sql: str
    into: Callable[..., Row]
    heavy: bool = False
    names: tuple[str, ...] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        if not NAME.fullmatch(self.name) or len(self.name.encode()) > 63:
            raise ValueError(f"statement {self.name!r}: a name has 1 to 63 bytes, and neither quotes nor percent signs")
        if _NUMBERED.search(self.sql):
            raise ValueError(f"statement {self.name!r}: parameters have names, such as :farm_id, and no numbers")
        numbers = {name: n for n, name in enumerate(dict.fromkeys(_PARAMETER.findall(self.sql)), 1)}
        object.__setattr__(self, "names", tuple(numbers))
        object.__setattr__(self, "sql", _PARAMETER.sub(lambda found: f"${numbers[found[1]]}", self.sql))

    def call(self, values: Mapping[str, Any]) -> Call:
        """The statement bound to these values. Raises ``TypeError`` for a missing or unknown one."""
        names = self.names
        try:
            parameters = tuple([values[name] for name in names])
        except KeyError as error:
            raise TypeError(f"statement {self.name!r} has a parameter {error.args[0]}, and no value for it") from None
        if len(values) != len(names):
            strange = ", ".join(sorted(values.keys() - set(names)))
            raise TypeError(f"statement {self.name!r} has no parameter {strange}")
        return self.name, self.sql, parameters


def nothing(*columns: Any) -> None:
    """``into`` for statements whose rows are not read."""


def scalar(column: Any) -> Any:
    """``into`` for statements of one column."""
    return column


class CommitUncertain(Unavailable):
    """The connection was lost while a transaction committed: whether it did is known to the next reader only."""

    shown = (
        "Whether the change was kept is not known. Send the request again with the same Idempotency-Key, or read what it "
        "would have changed."
    )


class Reader(Protocol):
    """Anything that can run a reading statement: the database, a replica, or a transaction."""

    async def rows(self, statement: Statement[Row], /, **values: Any) -> list[Row]:
        """All rows."""

    async def row(self, statement: Statement[Row], /, **values: Any) -> Row | None:
        """The first row, or None."""


class Transaction:
    """One transaction on one connection; begun by its first statement, in the same round trip."""

    log = Logger()

    def __init__(self, link: Connection, begin: str = "BEGIN") -> None:
        self._link = link
        self._begin = begin
        self._begun = False
        self._waiting: list[Call] = []
        #: Events the outbox recorded in it, for actions after the commit.
        self.events: list[Event] = []

    @property
    def begun(self) -> bool:
        """Whether any statement has run."""
        return self._begun

    async def rows(self, statement: Statement[Row], /, **values: Any) -> list[Row]:
        """All rows of the statement."""
        return _rows(statement, await self._run(statement, values))

    async def row(self, statement: Statement[Row], /, **values: Any) -> Row | None:
        """Its first row, or None."""
        return _row(statement, await self._run(statement, values))

    async def run(self, statement: Statement[Any], /, **values: Any) -> int:
        """Run it for its effect; returns the number of affected rows."""
        return int((await self._run(statement, values)).rowcount)

    def later(self, statement: Statement[Any], /, **values: Any) -> None:
        """Run it for its effect, in the round trip of the next statement or of the commit, which raises its error: not
        for statements that a caller's input can make fail."""
        self._waiting.append(statement.call(values))

    async def commit(self) -> None:
        """Commit, if it has begun. For :meth:`Database.transaction` alone."""
        if not (self._begun or self._waiting):
            return
        if self._link.aborted:
            raise RuntimeError(
                "the work of a transaction went on after a statement failed: nothing of it can be kept; "
                "let the error pass, or ask in SQL (on conflict …) instead of catching it"
            )
        await failpoint("transaction.before_commit")
        try:
            await self._send(after="COMMIT")
        except (ConnectionLost, TimedOut) as error:
            if self._link.aborted:
                raise  # something before the commit timed out: nothing was committed
            raise CommitUncertain(f"{error.detail}: whether the change was kept is not known, so ask again") from error
        await failpoint("transaction.after_commit")

    async def roll_back(self) -> None:
        """Roll back, if it has begun; a connection on which that fails is closed, which has the same effect."""
        if self._link.idle or self._link.closed:
            return
        try:
            await self._link.execute("ROLLBACK")
        except Exception as error:
            self.log.warn("could not roll back, closing the connection: {why}", why=str(error))
            self._link.close()

    async def _run(self, statement: Statement[Any], values: Mapping[str, Any]) -> Any:
        return await self._send(statement.call(values))

    async def _send(self, *calls: Call, after: str = "") -> Any:
        """Send the pending statements, then these."""
        before, self._begun = ("" if self._begun else self._begin), True
        waiting, self._waiting = self._waiting, []
        return await self._link.run(*waiting, *calls, before=before, after=after)


class Database:
    """The primary (or, as a :class:`Reader`, a replica). ``size`` connections; ``wait`` seconds for a free one."""

    log = Logger()

    def __init__(
        self, reactor: Any, settings: ConnectionSettings, size: int = 8, wait: float = 2.0,
        short: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        """``short`` is called whenever a heavy statement finds no free connection in its share."""
        self.settings = settings
        self.pool = Pool(reactor, settings, size, wait)
        self._reactor = reactor
        self._short = short
        self._share = Share(reactor, max(1, int(size * settings.heavy_share)), wait)
        self._bound = f"SET LOCAL statement_timeout = {max(1, round(settings.heavy_timeout * 1000))}; {ALONE}"

    def start(self) -> None:
        """Start connecting."""
        self.pool.start()

    async def stop(self) -> None:
        """Close all connections; those in use when they are given back."""
        await self.pool.stop()

    async def rows(self, statement: Statement[Row], /, **values: Any) -> list[Row]:
        """All rows of one reading statement. Retries once if the connection was lost."""
        return await self._read(_rows, statement, values)

    async def row(self, statement: Statement[Row], /, **values: Any) -> Row | None:
        """The first row of one reading statement, or None."""
        return await self._read(_row, statement, values)

    async def _read(self, fetch: Callable[..., Result], statement: Statement[Any], values: Mapping[str, Any]) -> Result:
        if statement.heavy:
            return await self._within_share(fetch, statement, values)
        return await self._twice(fetch, statement, values)

    async def _within_share(
        self, fetch: Callable[..., Result], statement: Statement[Any], values: Mapping[str, Any]
    ) -> Result:
        """On one of the connections for heavy statements, for which client addresses take turns; ``Overloaded`` after the wait."""
        who = current_asker()
        if not await self._share.take(who):
            self._short()
            raise Overloaded("too many searches are running at once; try again in a moment")
        try:
            return await self._twice(fetch, statement, values)
        finally:
            self._share.release(who)

    async def _twice(
        self, fetch: Callable[..., Result], statement: Statement[Any], values: Mapping[str, Any]
    ) -> Result:
        try:
            return await self._once(fetch, statement, values)
        except ConnectionLost:
            return await self._once(fetch, statement, values)

    async def _once(self, fetch: Callable[..., Result], statement: Statement[Any], values: Mapping[str, Any]) -> Result:
        link = await self.pool.take()
        try:
            bound = self._bound if statement.heavy else ""  # ends with the statement in any case
            return fetch(statement, await link.run(statement.call(values), bound=bound))
        finally:
            self.pool.give(link)

    async def transaction(self, work: Callable[[Transaction], Awaitable[Result]], *, by_keys: bool = False) -> Result:
        """Run ``work`` and commit; any exception rolls back. With ``by_keys`` (:data:`BY_KEYS`) its statements use a
        generic plan, made once for each connection: for work that finds a few rows by their keys, which takes less time
        than planning.

        Serialization failures, deadlocks and connections lost before the commit was sent run it again, up to
        ``ATTEMPTS`` times, so it must change nothing but the database. A connection lost during the commit is
        ``CommitUncertain`` (an ``Unavailable``), which is what idempotency keys are for.
        """
        backoff = Backoff(FIRST_PAUSE, LAST_PAUSE, jitter=1.0)
        for attempt in range(1, ATTEMPTS + 1):
            link = await self.pool.take()
            try:
                return await self._attempt(Transaction(link, BY_KEYS if by_keys else "BEGIN"), link, work)
            except (TransactionRollbackError, ConnectionLost) as error:
                why: Exception = error
            finally:
                self.pool.give(link)
            self.log.info("retrying a transaction: {why}", why=type(why).__name__, attempt=attempt)
            if attempt < ATTEMPTS:
                await sleep(self._reactor, backoff.failed())
        if isinstance(why, ConnectionLost):
            raise why
        raise Unavailable("too many others are changing the same things") from why

    async def _attempt(
        self, transaction: Transaction, link: Connection, work: Callable[[Transaction], Awaitable[Result]]
    ) -> Result:
        try:
            result = await work(transaction)
            await transaction.commit()
            return result
        except GeneratorExit:
            link.close()  # the coroutine is being closed: it cannot await any more
            raise
        except BaseException:
            await transaction.roll_back()
            raise


def _rows(statement: Statement[Row], cursor: Any) -> list[Row]:
    return [statement.into(*row) for row in cursor.fetchall()] if cursor.description else []


def _row(statement: Statement[Row], cursor: Any) -> Row | None:
    found = cursor.fetchone() if cursor.description else None
    return None if found is None else statement.into(*found)

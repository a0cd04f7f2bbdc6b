"""Reads and transactions on PostgreSQL.

The rest of the program sees three types only: a :class:`Statement` (SQL beside the type of its rows), the
:class:`Database` (reads, one statement at a time) and the :class:`Transaction` that :meth:`Database.transaction` passes
to its work.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from psycopg2.extensions import TransactionRollbackError
from twisted.logger import Logger

from harvestd.kernel.errors import Overloaded, Unavailable
from harvestd.runtime.backoff import Backoff
from harvestd.runtime.lifecycle import sleep
from harvestd.runtime.tracing import current_asker
from harvestd.store.postgres.connection import Connection
from harvestd.store.postgres.connection_settings import ConnectionSettings
from harvestd.store.postgres.faults import ConnectionLost
from harvestd.store.postgres.pool import Pool
from harvestd.store.postgres.share import Share
from harvestd.store.postgres.statements import Row, Statement, all_of, first_of
from harvestd.store.postgres.transactions import BY_KEYS, Transaction

Result = TypeVar("Result")

#: How often the work of a transaction is run before its conflict becomes Unavailable; and the longest backoff in
#: seconds before the second attempt, which doubles each time, up to the last.
ATTEMPTS = 5
FIRST_PAUSE, LAST_PAUSE = 0.02, 0.16

#: A heavy statement uses one core and no JIT: one parallel search would cost as much as several. Its plan is for any values: planning a search
#: takes longer than most searches, and its values decide nothing that an index does not.
ALONE = (
    "SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL jit = off; SET LOCAL plan_cache_mode = force_generic_plan"
)


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
        return await self._read(all_of, statement, values)

    async def row(self, statement: Statement[Row], /, **values: Any) -> Row | None:
        """The first row of one reading statement, or None."""
        return await self._read(first_of, statement, values)

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

    async def transaction(
        self, work: Callable[[Transaction], Awaitable[Result]], *, by_keys: bool = False, attempts: int = ATTEMPTS
    ) -> Result:
        """Run ``work`` and commit; any exception rolls back. With ``by_keys`` (:data:`BY_KEYS`) its statements use a
        generic plan, made once for each connection: for work that finds a few rows by their keys, which takes less time
        than planning.

        Serialization failures, deadlocks and connections lost before the commit was sent run it again, up to
        ``attempts`` times, so it must change nothing but the database. A connection lost during the commit is
        ``CommitUncertain`` (an ``Unavailable``), which is what idempotency keys are for.
        """
        backoff = Backoff(FIRST_PAUSE, LAST_PAUSE, jitter=1.0)
        for attempt in range(1, attempts + 1):
            link = await self.pool.take()
            try:
                return await self._attempt(Transaction(link, BY_KEYS if by_keys else "BEGIN"), link, work)
            except (TransactionRollbackError, ConnectionLost) as error:
                why: Exception = error
            finally:
                self.pool.give(link)
            self.log.info("retrying a transaction: {why}", why=type(why).__name__, attempt=attempt)
            if attempt < attempts:
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

"""Statements, reads and transactions on PostgreSQL.

Three types are all that the rest of the house sees: a :class:`Statement` (SQL beside the type of its rows), the
:class:`Database` (reads, one statement at a time) and the :class:`Transaction` that :meth:`Database.transaction` hands to
its work.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, Protocol, TypeVar

import attrs
from psycopg2.extensions import TransactionRollbackError
from twisted.logger import Logger

from harvestd.market.errors import Unavailable
from harvestd.market.events import Event
from harvestd.store.link import ConnectionLost, Link, LinkSettings
from harvestd.store.pool import Pool

Row = TypeVar("Row")
Result = TypeVar("Result")

#: How often the work of a transaction is run before its conflict is given up as Unavailable.
ATTEMPTS = 5


@attrs.frozen(eq=False)
class Statement(Generic[Row]):
    """One SQL statement with ``$1``-style parameters and the type that its rows become.

    ``name`` is unique in the program: each connection prepares the statement under it at first use. ``into`` is
    called with a row's columns in their order. Parameters: str, int, Decimal, bool, datetime, bytes, None; lists
    become arrays and dicts JSON of whatever type the parameter has.
    """

    name: str
    sql: str
    into: Callable[..., Row]


def nothing(*columns: Any) -> None:
    """``into`` for statements whose rows nobody reads."""


def scalar(column: Any) -> Any:
    """``into`` for statements of one column."""
    return column


class Reader(Protocol):
    """What can answer a statement: the database, a replica, or a transaction."""

    async def rows(self, statement: Statement[Row], *parameters: Any) -> list[Row]:
        """All rows."""

    async def row(self, statement: Statement[Row], *parameters: Any) -> Row | None:
        """The first row, or None."""


class Transaction:
    """One transaction on one connection; begun by its first statement, in the same round trip."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._begun = False
        #: What the outbox recorded in it, for whoever acts after the commit.
        self.events: list[Event] = []

    @property
    def begun(self) -> bool:
        """Whether any statement has run."""
        return self._begun

    async def rows(self, statement: Statement[Row], *parameters: Any) -> list[Row]:
        """All rows of the statement."""
        cursor = await self._run(statement, parameters)
        return [statement.into(*row) for row in cursor.fetchall()] if cursor.description else []

    async def row(self, statement: Statement[Row], *parameters: Any) -> Row | None:
        """Its first row, or None."""
        cursor = await self._run(statement, parameters)
        found = cursor.fetchone() if cursor.description else None
        return None if found is None else statement.into(*found)

    async def run(self, statement: Statement[Any], *parameters: Any) -> int:
        """Run it for its effect; answers how many rows it touched."""
        return int((await self._run(statement, parameters)).rowcount)

    async def _run(self, statement: Statement[Any], parameters: tuple[Any, ...]) -> Any:
        before, self._begun = ("" if self._begun else "BEGIN"), True
        return await self._link.run(statement.name, statement.sql, parameters, before)


class Database:
    """The primary (or, as a :class:`Reader`, a replica)."""

    log = Logger()

    def __init__(self, reactor: Any, settings: LinkSettings, size: int = 8, wait: float = 2.0) -> None:
        self.settings = settings
        self.pool = Pool(reactor, settings, size, wait)

    def start(self) -> None:
        """Begin to connect."""
        self.pool.start()

    async def stop(self) -> None:
        """Close all connections."""
        await self.pool.stop()

    async def rows(self, statement: Statement[Row], *parameters: Any) -> list[Row]:
        """All rows of one reading statement. Runs a second time if the connection was lost under the first."""
        cursor = await self._read(statement, parameters)
        return [statement.into(*row) for row in cursor.fetchall()]

    async def row(self, statement: Statement[Row], *parameters: Any) -> Row | None:
        """The first row of one reading statement, or None."""
        cursor = await self._read(statement, parameters)
        found = cursor.fetchone()
        return None if found is None else statement.into(*found)

    async def _read(self, statement: Statement[Any], parameters: tuple[Any, ...]) -> Any:
        for last in (False, True):
            link = await self.pool.take()
            try:
                return await link.run(statement.name, statement.sql, parameters)
            except ConnectionLost:
                if last:
                    raise
            finally:
                self.pool.give(link)
        raise AssertionError("unreachable")

    async def transaction(self, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Run ``work`` and commit; whatever it raises rolls back.

        Serialization failures, deadlocks and connections lost before the commit was sent run it again, up to
        ``ATTEMPTS`` times, so it must change nothing but the database. A connection lost during the commit is
        ``Unavailable``: whether it happened is known only to the next reader, which is what idempotency keys are for.
        """
        for attempt in range(1, ATTEMPTS + 1):
            link = await self.pool.take()
            transaction = Transaction(link)
            committing = False
            try:
                result = await work(transaction)
                committing = True
                if transaction.begun:
                    await link.execute("COMMIT")
                return result
            except BaseException as error:
                await self._roll_back(link, transaction)
                again = isinstance(error, TransactionRollbackError) or (
                    isinstance(error, ConnectionLost) and not committing
                )
                if not again:
                    raise
                if attempt == ATTEMPTS:
                    raise Unavailable("too many others are changing the same things") from error
                self.log.info("transaction runs again: {why}", why=type(error).__name__, attempt=attempt)
            finally:
                self.pool.give(link)
        raise AssertionError("unreachable")

    async def _roll_back(self, link: Link, transaction: Transaction) -> None:
        if not transaction.begun or link.closed:
            return
        try:
            await link.execute("ROLLBACK")
        except Exception as error:
            self.log.warn("could not roll back, closing the connection: {why}", why=str(error))
            link.close()

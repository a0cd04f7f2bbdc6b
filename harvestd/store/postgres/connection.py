"""One connection to PostgreSQL: connect timeout, statement timeouts, prepared statements, and a callback when it is lost.

The timeouts: a timer bounds the connect (libpq's ``connect_timeout`` is ignored in asynchronous mode);
``statement_timeout`` and ``lock_timeout`` on the server bound a statement and leave the connection healthy; a slightly
longer timer closes a connection whose server is silent.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, TRANSACTION_STATUS_INERROR

from harvestd.kernel.errors import Unavailable
from harvestd.store.postgres.connection_settings import ConnectionSettings
from harvestd.store.postgres.faults import ConnectionLost, TimedOut, fault_of, first_line
from harvestd.store.postgres.hosts import resolved
from harvestd.store.postgres.literals import bind, teach
from harvestd.store.postgres.protocol import ConnectionProtocol

#: A statement to run: its name, its SQL, and its parameters.
Call = tuple[str, str, Sequence[Any]]
#: Maximum number of prepared statements per connection.
MAX_PREPARED = 400


class Connection:
    """One connection. ``lost`` is called once, when an open connection has closed."""

    def __init__(self, reactor: Any, settings: ConnectionSettings, lost: Callable[[Connection], None]) -> None:
        self._reactor = reactor
        self._settings = settings
        self._prepared: OrderedDict[str, str] = OrderedDict()
        self._overdue = False
        self._lost = lost
        self._due: float | None = None
        self._timer: Any = None
        self._wire = ConnectionProtocol(reactor, self._ended)

    async def open(self) -> None:
        """Connect; raises :class:`ConnectionLost` when that fails or exceeds the timeout."""
        limit = self._settings.connect_timeout
        timer = self._reactor.callLater(limit, self._give_up)
        try:
            keywords = await resolved(self._reactor, self._settings.keywords(), limit)
            await self._wire.open(keywords)
        except Exception as error:
            self._wire.close()
            why = f"no answer within {limit:g} s" if self._overdue else first_line(error)
            raise ConnectionLost(f"PostgreSQL: {why}") from error
        finally:
            if timer.active():
                timer.cancel()
        teach(self._wire.raw)

    @property
    def closed(self) -> bool:
        """Whether it is no longer usable."""
        return self._wire.closed

    @property
    def idle(self) -> bool:
        """Whether no statement and no transaction is in progress, by the server's last report."""
        return not self.closed and self._wire.raw.get_transaction_status() == TRANSACTION_STATUS_IDLE

    @property
    def aborted(self) -> bool:
        """Whether a statement of the present transaction has failed, so that it can only be rolled back."""
        return not self.closed and self._wire.raw.get_transaction_status() == TRANSACTION_STATUS_INERROR

    def close(self) -> None:
        """Close at once; the server rolls back the open transaction."""
        self._wire.close()

    def look(self) -> None:
        """Detect at once whether the server has closed it."""
        self._wire.look()

    def observe(self, receive: Callable[[str, str], None]) -> None:
        """Call ``receive`` with the channel and payload of each NOTIFY that arrives."""
        self._wire.receive = receive

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """Run ``sql`` (psycopg2 placeholders); returns the cursor.

        Raises PostgreSQL's error, or ``Unavailable`` (``ConnectionLost``, ``TimedOut``) according to ``faults.py``.
        Cancelling it closes the connection.
        """
        if self.closed:
            raise ConnectionLost("PostgreSQL: the connection is closed")
        limit = self._settings.statement_timeout + self._settings.grace
        self._due = self._reactor.seconds() + limit
        if self._timer is None:
            self._timer = self._reactor.callLater(limit, self._look_at_due)
        try:
            return await self._wire.execute(sql, parameters)
        except psycopg2.Error as error:
            fault = self._fault(error)
            if fault is None:
                raise
            raise fault from error
        finally:
            self._due = None

    async def run(self, *calls: Call, before: str = "", bound: str = "", after: str = "") -> Any:
        """Run statements in their prepared form, in one round trip; returns the cursor of the last. The first failure
        ends it: later statements are not run.

        A statement is prepared at its first use on this connection. ``before`` (such as ``BEGIN``) and ``after`` (such
        as ``COMMIT``) are sent along; ``bound`` (``SET LOCAL …``) precedes the statements themselves, even when they
        are first prepared in a round trip of its own.
        """
        for name, sql, _ in calls:
            if name not in self._prepared:
                await self._prepare(name, sql, before)
                before = ""
            elif self._prepared[name] != sql:
                raise ValueError(f"two statements are called {name!r}: give one of them another name")
            self._prepared.move_to_end(name)
        parts = [_execute(name, parameters) for name, _, parameters in calls]
        values = [bind(value) for _, _, parameters in calls for value in parameters]
        return await self.execute("; ".join(filter(None, (before, bound, *parts, after))), values)

    async def _prepare(self, name: str, sql: str, before: str) -> None:
        """Prepare it, and deallocate the least recently used one above the limit: each takes tens of kB of the server's
        memory, and a listing has thousands of combinations."""
        steps = [before, f'PREPARE "{name}" AS {sql}']
        if len(self._prepared) >= MAX_PREPARED:
            old, _ = self._prepared.popitem(last=False)
            steps.insert(1, f'DEALLOCATE "{old}"')
        await self.execute("; ".join(filter(None, steps)))
        self._prepared[name] = sql

    def _look_at_due(self) -> None:
        """One timer for many statements, since setting and cancelling one for each costs more than binding it: on
        expiry it is set again for the present statement's deadline."""
        self._timer = None
        if self._due is not None:
            left = self._due - self._reactor.seconds()
            if left <= 0:
                self._give_up()
            else:
                self._timer = self._reactor.callLater(left, self._look_at_due)

    def _ended(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._lost(self)

    def _give_up(self) -> None:
        self._overdue = True
        self._wire.close()

    def _fault(self, error: psycopg2.Error) -> Unavailable | None:
        if self._overdue:
            return TimedOut("PostgreSQL does not answer")
        fault = fault_of(error, self.closed)
        if type(fault) is ConnectionLost:
            self.close()
        return fault


def _execute(name: str, parameters: Sequence[Any]) -> str:
    return f'EXECUTE "{name}"({",".join(["%s"] * len(parameters))})' if parameters else f'EXECUTE "{name}"'

"""One connection to PostgreSQL: bounded connect, prepared statements, and word when it is lost.

What this adds to txpostgres, whose traps are not visible from its documentation: ``connect_timeout`` is ignored in
asynchronous mode, so a timer bounds the connect; a query is bounded by ``statement_timeout`` on the server and by a timer
that closes the connection when the server does not answer at all; an idle connection that the server closes says so at
once instead of failing the next query; and nothing here is ever cancelled, since psycopg2's ``cancel()`` blocks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import attrs
import psycopg2
from psycopg2 import errors as pg
from twisted.internet import defer
from txpostgres import txpostgres

from harvestd.market.errors import Unavailable

#: Errors after which a connection is of no more use. txpostgres adds its own for a socket that is gone.
LOST = (psycopg2.OperationalError, psycopg2.InterfaceError, defer.AlreadyCalledError)


class ConnectionLost(Unavailable):
    """The connection to PostgreSQL went away; what was not committed is rolled back by the server."""


class TimedOut(Unavailable):
    """PostgreSQL did not finish a statement, or grant a lock, in the time that the settings allow."""


@attrs.frozen
class LinkSettings:
    """``dsn`` is a libpq URL or string; times in seconds."""

    dsn: str
    connect_timeout: float = 5.0
    statement_timeout: float = 5.0
    lock_timeout: float = 2.0
    idle_in_transaction_timeout: float = 30.0
    application_name: str = "harvestd"

    def options(self) -> dict[str, Any]:
        """As libpq keywords: server-side limits, and keep-alives that notice a peer that vanished."""
        limits = {
            "statement_timeout": self.statement_timeout,
            "lock_timeout": self.lock_timeout,
            "idle_in_transaction_session_timeout": self.idle_in_transaction_timeout,
        }
        switches = [f"-c {name}={int(seconds * 1000)}" for name, seconds in limits.items()]
        switches.append("-c timezone=UTC")
        return {
            "options": " ".join(switches),
            "application_name": self.application_name,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": int(1000 * (self.statement_timeout + 10)),
        }


class _Connection(txpostgres.Connection):  # type: ignore[misc]
    """A txpostgres connection that calls ``lost`` once when it is closed from either side."""

    lost: Callable[[], None] | None = None

    def doRead(self) -> None:
        try:
            super().doRead()
        except psycopg2.Error:
            self.close()

    def connectionLost(self, reason: Any) -> None:
        try:
            super().connectionLost(reason)
        finally:
            if self._connection is not None and self._connection.closed and self.lost is not None:
                lost, self.lost = self.lost, None
                lost()


class Link:
    """One open connection. Make it with :meth:`open`."""

    def __init__(self, reactor: Any, settings: LinkSettings, lost: Callable[[Link], None]) -> None:
        self._reactor = reactor
        self._settings = settings
        self._lost = lost
        self._prepared: set[str] = set()
        self._connection = _Connection(reactor=reactor)

    @classmethod
    async def open(cls, reactor: Any, settings: LinkSettings, lost: Callable[[Link], None]) -> Link:
        """Connect; raises :class:`ConnectionLost` when that fails or takes longer than the limit."""
        link = cls(reactor, settings, lost)
        connection = link._connection
        timer = reactor.callLater(settings.connect_timeout, lambda: connection.close())
        try:
            await connection.connect(settings.dsn, **settings.options())
        except Exception as error:
            if connection._connection is not None:
                connection.close()
            raise ConnectionLost(f"PostgreSQL: {_first_line(error)}") from error
        finally:
            if timer.active():
                timer.cancel()
        connection.lost = lambda: lost(link)
        return link

    @property
    def closed(self) -> bool:
        """Whether it is of no more use."""
        return self._connection._connection is None or bool(self._connection._connection.closed)

    def close(self) -> None:
        """Close at once; the server rolls back what was open."""
        if not self.closed:
            self._connection.close()

    def observe(self, receive: Callable[[Any], None]) -> None:
        """Call ``receive`` with each NOTIFY that arrives."""
        self._connection.addNotifyObserver(receive)

    async def execute(self, sql: str, parameters: Iterable[Any] = (), *, unbounded: bool = False) -> Any:
        """Run ``sql`` (psycopg2 placeholders); answers the cursor. Raises what PostgreSQL says, or ``Unavailable``."""
        if self.closed:
            raise ConnectionLost("PostgreSQL: the connection is closed")
        cursor = self._connection.cursor()
        limit = self._settings.statement_timeout + 2.0
        timer = None if unbounded else self._reactor.callLater(limit, self.close)
        try:
            await cursor.execute(sql, tuple(parameters) or None)
        except (defer.CancelledError, pg.LockNotAvailable, pg.QueryCanceled) as error:
            raise TimedOut("PostgreSQL took too long; nothing was changed") from error
        except LOST as error:
            if isinstance(error, psycopg2.extensions.TransactionRollbackError):
                raise  # serialization failures and deadlocks are children of OperationalError
            self.close()
            raise ConnectionLost(f"PostgreSQL: {_first_line(error)}") from error
        except Exception as error:
            if self.closed:  # txpostgres reports a socket closed under a query as ConnectionDone
                raise ConnectionLost(f"PostgreSQL: {_first_line(error)}") from error
            raise
        finally:
            if timer is not None and timer.active():
                timer.cancel()
        return cursor

    async def run(self, name: str, sql: str, parameters: tuple[Any, ...], before: str = "") -> Any:
        """Run a statement by its prepared form, preparing it on this connection at first use.

        ``before`` (such as ``BEGIN``) travels in the same round trip.
        """
        prefix = f"{before}; " if before else ""
        if name not in self._prepared:
            await self.execute(f'{prefix}PREPARE "{name}" AS {sql}')
            self._prepared.add(name)
            prefix = ""
        call = f'EXECUTE "{name}"'
        if parameters:
            call += "(" + ",".join(["%s"] * len(parameters)) + ")"
        return await self.execute(prefix + call, [bind(p) for p in parameters])


def bind(value: Any) -> Any:
    """A Python value as psycopg2 should quote it: arrays and JSON as literals that take the parameter's type."""
    if isinstance(value, (list, tuple)):
        return "{" + ",".join(_element(v) for v in value) + "}"
    if isinstance(value, dict):
        return json.dumps(value, default=str)
    return value


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, (int, float, Decimal)):
        return str(value)
    if isinstance(value, (date, datetime)):
        return f'"{value.isoformat()}"'
    if isinstance(value, bytes):
        return f'"\\\\x{value.hex()}"'
    text = json.dumps(value, default=str) if isinstance(value, (dict, list)) else str(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__

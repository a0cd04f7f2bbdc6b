"""Waiting for PostgreSQL at a start: it may still be starting, recover from a crash, or be on its way through a reboot."""

from __future__ import annotations

from typing import Any

from harvestd.runtime.patience import Patience
from harvestd.settings.urls import mask_url
from harvestd.store.postgres.connection import Connection, ConnectionLost, ConnectionSettings


class DatabaseAway(Exception):
    """The database did not answer in time; the text says what it said last, and the cure."""


#: An answer that waiting does not change, by what PostgreSQL says in English (before a connection there is no SQLSTATE). In
#: another language it is waited for, and told, like everything else.
FINAL = (
    "password authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "authentication failed for user",
    "is not permitted to log in",
    "does not exist",
    "invalid connection option",
    "invalid URI",
    "server does not support SSL",
    "certificate verify failed",
)


async def answering(reactor: Any, settings: ConnectionSettings, patience: Patience) -> None:
    """Return once it takes a connection. Raises :class:`DatabaseAway`, at once for what waiting does not mend."""
    final = ""

    async def missing() -> str:
        nonlocal final
        link = Connection(reactor, settings, lambda _: None)
        try:
            await link.open()
        except ConnectionLost as error:
            if any(words in error.detail for words in FINAL):
                final = error.detail
                return ""
            return error.detail
        link.close()
        return ""

    away = await patience.wait("PostgreSQL", missing)
    if final:
        raise DatabaseAway(f"the database refuses this process: {final}: correct database_url, or the server's users")
    if away:
        waited = f", waited for during {patience.seconds:g} s (database_start_deadline)" if patience.seconds else ""
        raise DatabaseAway(
            f"the database does not answer{waited}: {away}: start it, or correct database_url ({mask_url(settings.dsn)})"
        )

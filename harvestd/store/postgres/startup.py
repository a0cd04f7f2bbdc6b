"""Waiting for PostgreSQL at startup: it may still be starting, in crash recovery, or rebooting."""

from __future__ import annotations

from typing import Any

from harvestd.runtime.patience import Patience
from harvestd.settings.urls import mask_url
from harvestd.store.postgres.connection import Connection
from harvestd.store.postgres.connection_settings import ConnectionSettings
from harvestd.store.postgres.faults import ConnectionLost


class DatabaseAway(Exception):
    """The database did not answer in time; the text has its last error, and the remedy."""


#: Errors that waiting does not fix, by PostgreSQL's English text (before a connection there is no SQLSTATE). In another
#: language they are waited for and reported, like all others.
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
    """Return once it accepts a connection. Raises :class:`DatabaseAway`, at once for an error that waiting does not fix."""
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

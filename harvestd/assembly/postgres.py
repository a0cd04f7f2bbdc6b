"""The databases of a process, and its control connection."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import attrs

from harvestd.runtime.metrics import Metrics
from harvestd.settings.table import Settings
from harvestd.store.postgres.connection_settings import ConnectionSettings
from harvestd.store.postgres.control import ControlConnection
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.replicas import Replicas

#: Timeout in seconds for a connection to a replica, before a read goes to the primary.
REPLICA_WAIT = 0.2


@attrs.frozen
class Postgres:
    """The databases of a process, and its control connection. ``reads`` is the primary or one of the ``replicas``."""

    primary: Database
    replicas: list[Database]
    reads: Replicas
    control: ControlConnection


def postgres(reactor: Any, settings: Settings, metrics: Metrics, name: str) -> Postgres:
    """Those that the settings name, for a process of that name."""
    link = ConnectionSettings(
        settings.database_url, settings.database_connect_timeout, settings.statement_timeout, settings.lock_timeout,
        heavy_timeout=settings.search_timeout, heavy_share=settings.search_share, application_name=f"harvestd-{name}",
    )  # fmt: skip
    short = partial(metrics.shortages.tell, "searches")
    primary = Database(reactor, link, settings.database_pool, settings.database_wait, short)
    replicas = _replicas(reactor, settings, link, short)
    reads = Replicas(reactor, primary, replicas, settings.replica_max_lag)
    return Postgres(primary, replicas, reads, ControlConnection(reactor, link))


def _replicas(reactor: Any, settings: Settings, link: ConnectionSettings, short: Callable[[], None]) -> list[Database]:
    wait = min(settings.database_wait, REPLICA_WAIT)
    return [
        Database(reactor, attrs.evolve(link, dsn=url), settings.database_pool, wait, short)
        for url in settings.replica_urls
    ]

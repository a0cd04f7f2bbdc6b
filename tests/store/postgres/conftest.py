"""Control connections."""

from __future__ import annotations

from typing import Any

import pytest_twisted
from twisted.internet.defer import Deferred

from harvestd.store.postgres.connection_settings import ConnectionSettings
from harvestd.store.postgres.control import ControlConnection


@pytest_twisted.async_yield_fixture
async def sessions() -> Any:
    """Makes started sessions: ``await sessions(url, **more)``."""
    from twisted.internet import reactor

    made: list[ControlConnection] = []

    async def make(url: str, **more: Any) -> ControlConnection:
        session = ControlConnection(
            reactor, ConnectionSettings(url, connect_timeout=more.pop("connect_timeout", 5.0)), **more
        )
        made.append(session)
        await session.start()
        return session

    yield make
    for session in made:
        await Deferred.fromCoroutine(session.stop()).addTimeout(10, reactor)

"""Processes on the test's database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_twisted

from harvestd.settings import Settings
from tests.queue.processes import Processes
from tests.servers import PostgresServer


@pytest_twisted.async_yield_fixture
async def processes(postgres: PostgresServer, database_url: str, settings: Settings) -> AsyncIterator[Processes]:
    """None yet."""
    processes = Processes(postgres, database_url, settings)
    yield processes
    await processes.stop()

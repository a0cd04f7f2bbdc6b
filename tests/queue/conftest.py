"""Processes on the test's database, and brokers on RabbitMQ."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_twisted

from harvestd.settings.table import Settings
from servers import PostgresServer
from servers.rabbitmq import RabbitServer
from tests.queue.processes import Processes
from tests.queue.rabbitmq.rabbits import RabbitRig
from tests.web.conftest import market, parts, web_settings  # noqa: F401


@pytest_twisted.async_yield_fixture
async def processes(postgres: PostgresServer, database_url: str, settings: Settings) -> AsyncIterator[Processes]:
    """None yet."""
    processes = Processes(postgres, database_url, settings)
    yield processes
    await processes.stop()


@pytest_twisted.async_yield_fixture
async def rabbit(rabbitmq: RabbitServer, settings: Settings) -> AsyncIterator[RabbitRig]:
    """None yet, on a fresh vhost of the server that the tests share."""
    rig = RabbitRig(rabbitmq, settings)
    try:
        yield rig
    finally:
        await rig.stop()
        rabbitmq.drop(rig.vhost)

"""The broker on PostgreSQL: the contract, and what is its own."""

from __future__ import annotations

from typing import Any

import pytest

from harvestd.interfaces import IBroker
from tests.contracts.broker import BrokerContract, Rig
from tests.queue.processes import Process, Processes


class PostgresRig(Rig):
    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._of: dict[int, Process] = {}

    async def broker(self, **settings: Any) -> IBroker:
        process = await self._processes.start(**{"queue_poll": 5.0, "queue_retry_scale": 0.02, **settings})
        self._of[id(process.broker)] = process
        return process.broker

    async def kill(self, broker: IBroker) -> None:
        self._processes.kill(self._of[id(broker)])

    async def cut(self) -> None:
        self._processes.cut()

    async def mend(self) -> None:
        self._processes.mend()


class TestPostgresBroker(BrokerContract):
    @pytest.fixture
    def rig(self, processes: Processes) -> Rig:
        return PostgresRig(processes)

"""The broker on RabbitMQ keeps the contract."""

from __future__ import annotations

import pytest

from tests.contracts.broker import BrokerContract, Rig
from tests.queue.rabbitmq.rabbits import RabbitRig


class TestRabbitBroker(BrokerContract):
    @pytest.fixture
    def rig(self, rabbit: RabbitRig) -> Rig:
        return rabbit

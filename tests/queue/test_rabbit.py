"""The broker on RabbitMQ: the contract, and what is its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from harvestd.interfaces import IBroker
from harvestd.queue.rabbit import RabbitBroker
from harvestd.settings import Settings
from tests.contracts.broker import BrokerContract, Rig
from tests.servers import Proxy
from tests.servers.rabbitmq import RabbitServer


class RabbitRig(Rig):
    """Brokers on one vhost, each behind a proxy of its own."""

    def __init__(self, server: RabbitServer, vhost: str, settings: Settings) -> None:
        self.server = server
        self.vhost = vhost
        self._settings = settings
        self._brokers: list[RabbitBroker] = []
        self._proxies: list[Proxy] = []

    async def broker(self, **settings: Any) -> RabbitBroker:
        proxy = Proxy(("127.0.0.1", self.server.port))
        self._proxies.append(proxy)
        url = self.server.url(self.vhost, proxy.port)
        broker = RabbitBroker(reactor, attrs.evolve(self._settings, rabbitmq_url=url, **settings))
        self._brokers.append(broker)
        await broker.start()
        return broker

    def proxy(self, broker: IBroker) -> Proxy:
        return self._proxies[next(n for n, one in enumerate(self._brokers) if one is broker)]

    async def kill(self, broker: IBroker) -> None:
        self.proxy(broker).cut()

    async def cut(self) -> None:
        for proxy in self._proxies:
            proxy.refuse = True
            proxy.cut()

    async def mend(self) -> None:
        for proxy in self._proxies:
            proxy.mend()

    async def stop(self) -> None:
        for broker in reversed(self._brokers):
            await Deferred.fromCoroutine(broker.stop()).addTimeout(10, reactor)
        for proxy in self._proxies:
            proxy.close()


@pytest_twisted.async_yield_fixture
async def rabbit(rabbitmq: RabbitServer, settings: Settings) -> AsyncIterator[RabbitRig]:
    """Brokers on a fresh vhost."""
    rig = RabbitRig(rabbitmq, rabbitmq.vhost(), settings)
    yield rig
    await rig.stop()
    rabbitmq.drop(rig.vhost)


class TestRabbitBroker(BrokerContract):
    @pytest.fixture
    def rig(self, rabbit: RabbitRig) -> Rig:
        return rabbit

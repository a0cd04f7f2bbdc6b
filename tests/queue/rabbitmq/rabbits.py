"""Brokers on RabbitMQ, each as if in a process of its own, and harm done to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from harvestd.interfaces import IBroker
from harvestd.kernel.topology import Topology
from harvestd.queue.rabbitmq.broker import RabbitBroker
from harvestd.queue.rabbitmq.poison import Trials
from harvestd.settings.table import Settings
from harvestd.tables import TOPOLOGY
from servers import Proxy
from servers.rabbitmq import RabbitServer
from tests.contracts.broker import CACHE, ORDERS, SEARCH, Rig


class OwnTrials:
    """Of the brokers of one test that needs no database."""

    def __init__(self) -> None:
        self._times = Counter[tuple[str, str]]()

    async def tried(self, queue: str, ids: Sequence[str]) -> Mapping[str, int]:
        """As :class:`Trials`."""
        return {id: self._times[queue, id] for id in ids}

    async def begin(self, queue: str, *ids: str) -> None:
        """As :class:`Trials`."""
        self._times.update((queue, id) for id in ids)

    async def end(self, queue: str, *ids: str) -> None:
        """As :class:`Trials`."""
        for id in ids:
            del self._times[queue, id]


class RabbitRig(Rig):
    """Brokers on one fresh vhost, each behind a proxy of its own. ``bounds`` are those of :class:`RabbitBroker`."""

    #: The queues that the tests are about: each of the others is seven of RabbitMQ's, made and deleted for each test.
    topology = Topology(TOPOLOGY.events, [TOPOLOGY.queue(name) for name in (ORDERS, SEARCH, CACHE)])

    def __init__(self, server: RabbitServer, settings: Settings, **bounds: float) -> None:
        self.server = server
        self.vhost = server.vhost()
        self.trials: Trials = OwnTrials()
        self._settings = settings
        self._bounds = bounds
        self._brokers: list[RabbitBroker] = []
        self._proxies: list[Proxy] = []

    async def broker(self, **settings: Any) -> RabbitBroker:
        proxy = Proxy(("127.0.0.1", self.server.port))
        self._proxies.append(proxy)
        broker = self.at(self.server.url(self.vhost, proxy.port), **settings)
        await broker.start()
        return broker

    def at(self, url: str, **settings: Any) -> RabbitBroker:
        """One on another URL, not started; all of them count the ``trials`` of messages in one place."""
        given = attrs.evolve(self._settings, rabbitmq_url=url, **settings)
        broker = RabbitBroker(reactor, given, self.topology, self.trials, **self._bounds)
        self._brokers.append(broker)
        return broker

    def proxy(self, broker: IBroker) -> Proxy:
        return self._proxies[next(n for n, one in enumerate(self._brokers) if one is broker)]

    async def kill(self, broker: IBroker) -> None:
        self.proxy(broker).cut()

    def end(self, broker: RabbitBroker) -> None:
        """As when its process is killed: what it had sent arrives, and it does not come back."""
        self.proxy(broker).refuse = True
        for link in (broker._publishing, broker._consuming):
            if link.connection is not None:
                link.connection.transport.loseConnection()

    async def cut(self) -> None:
        for proxy in self._proxies:
            proxy.refuse = True
            proxy.cut()

    async def mend(self) -> None:
        for proxy in self._proxies:
            proxy.mend()

    async def stop(self) -> None:
        try:
            for broker in reversed(self._brokers):
                await Deferred.fromCoroutine(broker.stop()).addTimeout(10, reactor)
        finally:
            for proxy in self._proxies:
                proxy.close()

"""Keeps the topology declared: on each new connection, and again where part of it is missing."""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.internet.defer import Deferred

from harvestd.kernel.errors import Unavailable
from harvestd.kernel.topology import Topology
from harvestd.queue.rabbitmq.connection import Connection
from harvestd.queue.rabbitmq.declarations import Again, Undeclared, restore
from harvestd.queue.rabbitmq.reconnecting import ReconnectingConnection


class DeclaredTopology:
    """``answer`` is the timeout of each of the broker's answers, in seconds."""

    def __init__(self, topology: Topology, again: Again, answer: float) -> None:
        self._topology = topology
        self._again = again
        self._answer = answer
        self._mending: Deferred[None] | None = None
        #: What cannot be declared as it must be, and why; "" while everything is.
        self.fault = ""

    async def declare(self, connection: Connection) -> None:
        """Declare everything on a connection; raises ``Unavailable``."""
        ask = partial(connection.ask, seconds=self._answer)
        try:
            channel = await restore(
                ask, partial(connection.channel_within, self._answer), self._again, list(self._topology.queues.values())
            )
        except Undeclared as error:
            self.fault = error.detail
            raise
        self.fault = ""
        channel.close()

    async def declare_on(self, link: ReconnectingConnection) -> None:
        """Declare everything on the present connection, where a queue was found missing."""
        await self.declare(link.here())

    def mend(self, link: ReconnectingConnection) -> None:
        """Try to declare, in the background, what is missing or exists in another form."""
        if self._mending is None:
            self._mending = Deferred.fromCoroutine(self.declare_on(link))
            self._mending.addErrback(lambda failure: failure.trap(Unavailable) and None)
            self._mending.addBoth(self._mended)

    async def stop(self) -> None:
        """Wait until nothing is declared in the background any more."""
        if self._mending is not None:
            await self._mending

    def _mended(self, result: Any) -> Any:
        self._mending = None
        return result

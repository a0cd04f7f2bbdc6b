"""Asks RabbitMQ whether it still answers, for readiness: a frozen broker keeps its connections open."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from harvestd.kernel.errors import Unavailable
from harvestd.kernel.topology import EXCHANGE
from harvestd.queue.rabbitmq.declarations import declared_exchange
from harvestd.queue.rabbitmq.declared import DeclaredTopology
from harvestd.queue.rabbitmq.reconnecting import ReconnectingConnection

#: Seconds within which a healthy broker answers.
SOON = 0.5


class Probe:
    """Asks on ``link``; what it finds of the exchange, ``declared`` is told."""

    def __init__(self, reactor: Any, link: ReconnectingConnection, declared: DeclaredTopology) -> None:
        self._reactor = reactor
        self._link = link
        self._declared = declared
        #: Whether the latest question was not answered soon.
        self.silent = False

    async def answers(self) -> bool:
        """Whether it answers a request soon. A frozen broker keeps its connections open and would go unnoticed for
        long; the request itself drops the connection when no answer arrives within ``answer`` seconds."""
        waiting: Deferred[bool] = Deferred()

        def settle(answered: bool) -> None:
            if not waiting.called:
                waiting.callback(answered)

        late = self._reactor.callLater(SOON, settle, False)
        asked = Deferred.fromCoroutine(self._question())
        asked.addCallbacks(lambda _: settle(True), lambda _: settle(False))
        answered = await waiting
        if late.active():
            late.cancel()
        self.silent = not answered
        return answered

    async def _question(self) -> None:
        """Check that the exchange exists with the right type, without which no queue receives anything: a channel
        closed for that reason is an answer, too. The exchange is not created here, or the loss of its bindings would go
        unnoticed."""
        channel = await self._link.channel()
        try:
            await self._link.ask(channel.exchange_declare(EXCHANGE, passive=True))
            await self._link.ask(declared_exchange(channel))
        except Unavailable as error:
            connection = self._link.connection
            if channel.is_open or connection is None or not connection.is_open:
                raise
            self._declared.fault = error.detail
        finally:
            if channel.is_open:
                channel.close()

"""How many messages each queue has, by AMQP alone.

``unacknowledged`` counts this process's messages in flight: AMQP does not expose those of others. The counts of one
queue are read in sequence, in the direction in which messages move; a seemingly empty one is read twice, since a
message moving from a retry queue to its own queue is counted in neither.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from harvestd.interfaces import QueueState
from harvestd.kernel.errors import Unavailable
from harvestd.kernel.topology import Queue, Topology
from harvestd.queue.rabbitmq.declarations import depth, retry_queues
from harvestd.queue.rabbitmq.declared import DeclaredTopology
from harvestd.queue.rabbitmq.reconnecting import ReconnectingConnection
from harvestd.runtime.lifecycle import sleep

#: Seconds after which the state of a seemingly empty queue is read again.
SECOND_LOOK = 0.02


class Depths:
    """Reads on ``link``; ``in_hand`` returns how many messages of a queue this process's consumers hold."""

    def __init__(
        self, reactor: Any, link: ReconnectingConnection, topology: Topology, declared: DeclaredTopology,
        in_hand: Callable[[Queue], Awaitable[int]],
    ) -> None:  # fmt: skip
        self._reactor = reactor
        self._link = link
        self._topology = topology
        self._declared = declared
        self._in_hand = in_hand

    async def read(self) -> Sequence[QueueState]:
        """The state of every queue; a missing one is declared again."""
        channel = await self._link.channel()
        try:
            found = [await self._counted(channel, queue) for queue in self._topology.queues.values()]
            if all(_busy(state) for state in found):
                return found
            await sleep(self._reactor, SECOND_LOOK)
            return [
                state if _busy(state) else await self._counted(channel, self._topology.queue(state.name))
                for state in found
            ]
        except Unavailable:
            if not channel.is_open and self._link.connection is not None:
                await self._declared.declare_on(self._link)
            raise
        finally:
            if channel.is_open:
                channel.close()

    async def _counted(self, channel: Any, queue: Queue) -> QueueState:
        ask = self._link.ask
        before = await self._in_hand(queue)
        delayed = sum([(await depth(ask, channel, name))[0] for name in retry_queues(queue.name)])
        ready, consumers = await depth(ask, channel, queue.name)
        in_hand = await self._in_hand(queue)
        dead, _ = await depth(ask, channel, queue.dead)
        moved_on = 0 if ready or delayed else before  # redelivered, or in a retry queue read before
        return QueueState(queue.name, ready, delayed, max(in_hand, moved_on), dead, consumers)


def _busy(state: QueueState) -> bool:
    return bool(state.ready or state.delayed or state.unacknowledged)

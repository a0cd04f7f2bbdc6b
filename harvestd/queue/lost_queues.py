"""Events go out again for queues that were lost, and for new ones, which have not handled them."""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger

from harvestd.kernel.topology import Topology
from harvestd.store import redelivery
from harvestd.store.leases import Lease
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.transactions import Transaction

#: Seconds between two checks for lost queues; events checked in one transaction then.
ASK_AGAIN, AGAIN = 1.0, 5000


class LostQueues:
    """Of the process that holds ``lease``, the relay's."""

    log = Logger()

    def __init__(self, reactor: Any, topology: Topology, database: Database, lease: Lease) -> None:
        self._reactor = reactor
        self._topology = topology
        self._database = database
        self._lease = lease
        self._asked = 0.0

    async def send_again(self) -> None:
        """Republish the events that lost and newly declared queues had not handled. Done by the relay, between two batches, so
        that no event published before the queue existed is marked as sent afterwards."""
        now = self._reactor.seconds()
        if now < self._asked + ASK_AGAIN:
            return
        self._asked = now
        for queue in await redelivery.asked_again(self._database):
            types = self._topology.types_for(queue)
            last, number = 0, 0
            while True:
                place, again = await self._database.transaction(
                    lambda tx, queue=queue, types=types, last=last: self._unsend(tx, queue, types, last)  # type: ignore[misc]
                )
                number += again
                if place is None:
                    break
                last = place
            await self._database.transaction(lambda tx, queue=queue: redelivery.done_again(tx, queue))  # type: ignore[misc]
            self.log.warn(
                "{queue} was lost: {number} events that it had not handled go out again", queue=queue, number=number
            )

    async def _unsend(self, tx: Transaction, queue: str, types: tuple[str, ...], last: int) -> tuple[int | None, int]:
        await self._lease.check(tx)
        return await redelivery.send_again(tx, queue, types, last, AGAIN)

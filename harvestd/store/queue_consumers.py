"""Rows of the queues' consumers in PostgreSQL, each under the advisory lock of its session: who is alive, and what the dead have leased."""

from __future__ import annotations

from collections.abc import Sequence

from harvestd.store.postgres.statements import Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction

ENROL = Statement(
    "queue_enrol",
    "insert into queue_consumers (holder, queue) values (:holder, :queue) on conflict do nothing",
    nothing,
)
LEAVE = Statement("queue_leave", "delete from queue_consumers where holder = any(:dead::bigint[])", nothing)
HAND_BACK = Statement(
    "queue_hand_back",
    """update queue_messages m set leased_by = null, leased_until = null
       from (select holder, unnest(in_hand) as id from queue_consumers where holder = any(:holders::bigint[])) as c
       where m.id = c.id and m.leased_by = c.holder
       returning m.queue""",
    scalar,
)
# If an advisory lock can be taken, no session holds it: that consumer is dead.
DEAD_CONSUMERS = Statement(
    "queue_dead_consumers", "select holder from queue_consumers where pg_try_advisory_xact_lock(holder)", scalar
)


async def enrol(tx: Transaction, holder: int, queue: str) -> None:
    """Register a consumer, whose session already holds the advisory lock ``holder``. May be repeated."""
    await tx.run(ENROL, holder=holder, queue=queue)


async def leave(tx: Transaction, holder: int) -> None:
    """Unregister a consumer that has no leased messages."""
    await tx.run(LEAVE, dead=[holder])


async def hand_back(tx: Transaction, holders: Sequence[int]) -> set[str]:
    """End the leases of these consumers, as if their last batch had never been taken; returns the queues concerned."""
    return set(await tx.rows(HAND_BACK, holders=list(holders)))


async def rescue(tx: Transaction) -> set[str]:
    """End the leases of consumers whose session is gone; returns the queues concerned."""
    dead = await tx.rows(DEAD_CONSUMERS)
    if not dead:
        return set()
    queues = await hand_back(tx, dead)
    await tx.run(LEAVE, dead=dead)
    return queues

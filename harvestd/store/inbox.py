"""The events each consumer has handled, recorded in the transaction of the effect: that makes effects exactly-once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from harvestd.store.postgres.statements import Statement, scalar
from harvestd.store.postgres.transactions import Transaction

# The ids are sorted so that two consumers with overlapping batches wait for each other instead of deadlocking.
CLAIM = Statement(
    "inbox_claim",
    """insert into inbox (consumer, event_id) select :consumer, id from unnest(:ids::uuid[]) as id
       on conflict do nothing returning event_id::text""",
    scalar,
)
# A mark outlives its event, however long that waits for a broker: without the mark the event would be handled again.
PURGE = Statement(
    "inbox_purge",
    """delete from inbox where (consumer, event_id) in (
           select consumer, event_id from inbox i
            where handled_at < :handled_before and not exists (select from outbox o where o.id = i.event_id)
            order by handled_at limit :limit for update skip locked)
       returning 1""",
    scalar,
)


async def claim(tx: Transaction, consumer: str, event_ids: Iterable[str]) -> set[str]:
    """The ids that ``consumer`` has not handled before, marked as handled if ``tx`` commits.

    Waits for a concurrent transaction that is handling one of them.
    """
    ids = sorted({event_id.lower() for event_id in event_ids})
    return set(await tx.rows(CLAIM, consumer=consumer, ids=ids)) if ids else set()


async def purge(tx: Transaction, handled_before: datetime, limit: int = 1000) -> int:
    """Delete up to ``limit`` older marks, of events that are no longer in the outbox; returns how many. Call again
    while it returns ``limit``."""
    return len(await tx.rows(PURGE, handled_before=handled_before, limit=limit))

"""Events written in the transaction of the change that they tell of, and what the relay reads of them.

``seq`` is the order in which events were written, not in which they were committed: a transaction may commit a lower
``seq`` after a higher one was already sent. So the relay keeps no position; what is unsent is what has no ``sent_at``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import attrs

from harvestd.context import current_trace
from harvestd.market.events import TYPES, Event
from harvestd.store.database import Reader, Statement, Transaction, nothing, scalar


@attrs.frozen
class Recorded:
    """One row: the event, who asked for it, and its place."""

    seq: int
    id: str
    type: str
    aggregate: str
    version: int
    data: dict[str, Any]
    trace: dict[str, str]
    created_at: datetime


@attrs.frozen
class Backlog:
    """How many events wait to be sent, and the age of the oldest in seconds (0.0 when there is none)."""

    unsent: int
    oldest: float


INSERT = Statement(
    "outbox_insert",
    """insert into outbox (id, type, aggregate, version, data, trace, created_at)
       select e.id, e.type, e.aggregate, e.version, e.data, $6::jsonb, $7::timestamptz
       from unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::jsonb[])
            as e(id, type, aggregate, version, data)""",
    nothing,
)
UNSENT = Statement(
    "outbox_unsent",
    """select seq, id::text, type, aggregate, version, data, trace, created_at
       from outbox where sent_at is null order by seq limit $1""",
    Recorded,
)
SENT = Statement("outbox_sent", "update outbox set sent_at = $2 where seq = any($1::bigint[])", nothing)
BACKLOG = Statement(
    "outbox_backlog",
    """select count(*), coalesce(extract(epoch from $1::timestamptz - min(created_at)), 0)::float8
       from outbox where sent_at is null""",
    lambda unsent, oldest: Backlog(unsent, max(0.0, oldest)),
)
PURGE = Statement(
    "outbox_purge",
    """delete from outbox where seq in (
           select seq from outbox where sent_at < $1 order by sent_at limit $2 for update skip locked)
       returning seq""",
    scalar,
)


def record(tx: Transaction, events: Sequence[Event], new_id: Callable[[], str], now: datetime) -> None:
    """Write ``events`` in ``tx``, with the commit at the latest, under the current trace and in their order; and append them to
    ``tx.events``.

    Raises ``ValueError`` for a type that is not in ``market.events.TYPES``. After the commit call ``parts.wake_relay()``.
    """
    if not events:
        return
    for event in events:
        if event.type not in TYPES:
            raise ValueError(f"event type {event.type!r} is not in market.events.TYPES: add it there, and to a queue")
    trace = current_trace()
    tx.later(
        INSERT,
        [new_id() for _ in events],
        [event.type for event in events],
        [event.aggregate for event in events],
        [event.version for event in events],
        [event.data for event in events],
        {"request_id": trace.request_id, "traceparent": trace.traceparent},
        now,
    )
    tx.events.extend(events)


async def unsent(reader: Reader, limit: int) -> list[Recorded]:
    """The first events in ``seq`` order that are not marked as sent. Read them on the primary."""
    return await reader.rows(UNSENT, limit)


async def mark_sent(tx: Transaction, seqs: Sequence[int], now: datetime) -> None:
    """Note that the broker confirmed them."""
    await tx.run(SENT, list(seqs), now)


async def backlog(reader: Reader, now: datetime) -> Backlog:
    """What waits to be sent."""
    found = await reader.row(BACKLOG, now)
    assert found is not None
    return found


async def purge(tx: Transaction, sent_before: datetime, limit: int = 1000) -> int:
    """Delete up to ``limit`` events that were sent before then; answers how many. Call again while it is ``limit``."""
    return len(await tx.rows(PURGE, sent_before, limit))

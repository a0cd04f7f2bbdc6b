"""Events written in the transaction of the change that they describe, and the relay's reads of them.

``seq`` is the order in which events were written, not committed: a transaction may commit a lower ``seq`` after a
higher one was already sent. So the relay keeps no position; an event is unsent while it has no ``sent_at``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from harvestd.kernel.events import Event
from harvestd.kernel.topology import Topology
from harvestd.runtime.tracing import Trace, current_trace
from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction


class Recorded(msgspec.Struct, frozen=True):
    """One row: the event, its trace, and its position."""

    seq: int
    id: str
    type: str
    aggregate: str
    version: int
    data: dict[str, Any]
    trace: dict[str, str]
    created_at: datetime


class Backlog(msgspec.Struct, frozen=True):
    """The number of unsent events, and the age of the oldest in seconds (0.0 when there is none)."""

    unsent: int
    oldest: float


INSERT = Statement(
    "outbox_insert",
    """insert into outbox (id, type, aggregate, version, data, trace, created_at)
       select e.id, e.type, e.aggregate, e.version, e.data, e.trace, :now::timestamptz
       from unnest(:ids::uuid[], :types::text[], :aggregates::text[], :versions::int[], :data::jsonb[], :traces::jsonb[])
            as e(id, type, aggregate, version, data, trace)""",
    nothing,
)
UNSENT = Statement(
    "outbox_unsent",
    """select seq, id::text, type, aggregate, version, data, trace, created_at
       from outbox where sent_at is null order by seq limit :limit""",
    Recorded,
)
SOME = Statement(
    "outbox_some",
    """select seq, id::text, type, aggregate, version, data, trace, created_at
       from outbox where id = any(:ids::uuid[])""",
    Recorded,
)
SENT = Statement("outbox_sent", "update outbox set sent_at = :now where seq = any(:seqs::bigint[])", nothing)
BACKLOG = Statement(
    "outbox_backlog",
    """select count(*), coalesce(extract(epoch from :now::timestamptz - min(created_at)), 0)::float8
       from outbox where sent_at is null""",
    lambda unsent, oldest: Backlog(unsent, max(0.0, oldest)),
)
#: An event stays until each queue that it is for has handled it: a late message is accepted only on the strength of its row.
PURGE = Statement(
    "outbox_purge",
    """delete from outbox where seq in (
           select seq from outbox o
            where sent_at < :sent_before and (sent_at < :whatever_before or not exists (
                  select from unnest(:types::text[], :queues::text[]) as b(type, queue)
                   where b.type = o.type and not exists (select from inbox i where i.consumer = b.queue and i.event_id = o.id)))
            order by sent_at limit :limit for update skip locked)
       returning seq""",
    scalar,
)


def record(
    tx: Transaction, events: Sequence[Event], topology: Topology, new_id: Callable[[], str], now: datetime,
    traces: Sequence[Trace] | None = None,
) -> None:  # fmt: skip
    """Write ``events`` in ``tx``, at its commit at the latest, each under its trace (without any, the current one) and in order; and append them to ``tx.events``.

    Raises ``ValueError`` for an event that ``topology`` does not allow. A unit of work records and wakes the relay.
    """
    if not events:
        return
    for event in events:
        why = topology.fault(event.type, event.data)
        if why:
            raise ValueError(why)
    under = [current_trace()] * len(events) if traces is None else traces
    tx.later(
        INSERT,
        ids=[new_id() for _ in events],
        types=[event.type for event in events],
        aggregates=[event.aggregate for event in events],
        versions=[event.version for event in events],
        data=[event.data for event in events],
        traces=[{"request_id": trace.request_id, "traceparent": trace.traceparent} for trace in under],
        now=now,
    )
    tx.events.extend(events)


async def unsent(reader: Reader, limit: int) -> list[Recorded]:
    """The first events in ``seq`` order that are not marked as sent. Read them on the primary."""
    return await reader.rows(UNSENT, limit=limit)


async def some(reader: Reader, ids: Sequence[str]) -> list[Recorded]:
    """The events with these ids that are still in the outbox. Read them on the primary."""
    return await reader.rows(SOME, ids=list(ids))


async def mark_sent(tx: Transaction, seqs: Sequence[int], now: datetime) -> None:
    """Record the broker's publisher confirms."""
    await tx.run(SENT, seqs=list(seqs), now=now)


async def backlog(reader: Reader, now: datetime) -> Backlog:
    """The unsent events."""
    found = await reader.row(BACKLOG, now=now)
    assert found is not None
    return found


async def purge(
    tx: Transaction, sent_before: datetime, whatever_before: datetime, for_queues: Sequence[tuple[str, str]], limit: int = 1000
) -> int:  # fmt: skip
    """Delete up to ``limit`` events that were sent before ``sent_before`` and handled by every queue that they are for
    (``for_queues`` has pairs of a type and a queue), or sent before ``whatever_before``; returns how many. Call again
    while it returns ``limit``."""
    types, queues = [type for type, _ in for_queues], [queue for _, queue in for_queues]
    return len(
        await tx.rows(
            PURGE, sent_before=sent_before, whatever_before=whatever_before, limit=limit, types=types, queues=queues
        )
    )

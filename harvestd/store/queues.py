"""The rows of the queues in PostgreSQL: put, take, settle, and how many there are.

A taken message is leased: ``leased_by`` names its consumer, ``leased_until`` the expiry. Every change of a leased
message names the consumer, so that one that has lost its lease cannot interfere with its successor.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import attrs

from harvestd.interfaces import Message, QueueState
from harvestd.store.postgres.statements import Reader, Statement, nothing
from harvestd.store.postgres.transactions import Transaction


@attrs.frozen
class Taken:
    """A leased message; ``id`` is the row's, ``due`` since when it could be taken, ``attempts`` the earlier tries."""

    id: int
    due: datetime
    message: Message
    attempts: int


def _taken(id: int, due: datetime, message_id: str, type: str, body: bytes, attempts: int) -> Taken:
    return Taken(id, due, Message(message_id, type, body), attempts)


# Each body is sent once, however many queues it goes to.
PUT = Statement(
    "queue_put",
    """insert into queue_messages (queue, message_id, type, body)
       select b.queue, m.id, m.type, m.body
       from unnest(:ids::uuid[], :types::text[], :bodies::bytea[]) with ordinality as m(id, type, body, position)
       join unnest(:bound_types::text[], :bound_queues::text[]) as b(type, queue) using (type)
       order by m.position""",
    nothing,
)
# The lower bound skips the index entries of deleted rows, while an old snapshot (a backup) keeps those alive.
TAKE = Statement(
    "queue_take",
    """with ready as (
           select id from queue_messages
           where queue = :queue and available_at between coalesce(:since, timestamptz '-infinity') and now()
             and (leased_until is null or leased_until < now())
           order by available_at, id limit :most for update skip locked),
       taken as (
           update queue_messages m set leased_by = :holder, leased_until = now() + :lease * interval '1 second'
           from ready where m.id = ready.id
           returning m.id, m.available_at, m.message_id, m.type, m.body, m.attempts),
       noted as (
           update queue_consumers set in_hand = array(select id from taken)
           where holder = :holder and exists (select from taken))
       select id, available_at, message_id::text, type, body, attempts from taken order by available_at, id""",
    _taken,
)
RENEW = Statement(
    "queue_renew",
    """update queue_messages set leased_until = now() + :lease * interval '1 second'
       where id = any(:ids::bigint[]) and leased_by = :holder""",
    nothing,
)
ACK = Statement(
    "queue_ack", "delete from queue_messages where id = any(:acked::bigint[]) and leased_by = :holder", nothing
)
AGAIN = Statement(
    "queue_again",
    """update queue_messages m
       set attempts = attempts + 1, available_at = now() + a.delay * interval '1 second',
           leased_by = null, leased_until = null
       from unnest(:ids::bigint[], :delays::float8[]) as a(id, delay) where m.id = a.id and m.leased_by = :holder""",
    nothing,
)
BURY = Statement(
    "queue_bury",
    """with gone as (
           delete from queue_messages m using unnest(:ids::bigint[], :causes::text[]) as d(id, cause)
           where m.id = d.id and m.leased_by = :holder
           returning m.id, m.queue, m.message_id, m.type, m.body, m.attempts, d.cause)
       insert into queue_dead (queue, message_id, type, body, attempts, cause)
       select queue, message_id, type, body, attempts + 1, cause from gone order by id""",
    nothing,
)
STATES = Statement(
    "queue_states",
    """select q.name, coalesce(m.ready, 0), coalesce(m.delayed, 0), coalesce(m.leased, 0),
              (select count(*) from queue_dead d where d.queue = q.name),
              (select count(*) from queue_consumers c
               where c.queue = q.name and not pg_try_advisory_xact_lock_shared(c.holder))
       from unnest(:queues::text[]) with ordinality as q(name, position)
       left join (
           select queue,
                  count(*) filter (where leased_until >= now()) as leased,
                  count(*) filter (where leased_until is null and available_at > now()) as delayed,
                  count(*) filter (where coalesce(leased_until, available_at) <= now()) as ready
           from queue_messages group by queue) as m on m.queue = q.name
       order by q.position""",
    QueueState,
)


async def put(tx: Transaction, messages: Sequence[Message], bound: Sequence[tuple[str, str]]) -> None:
    """Put each message into the queues of its type, by ``bound``, pairs of type and queue."""
    await tx.run(
        PUT,
        ids=[message.id for message in messages],
        types=[message.type for message in messages],
        bodies=[message.body for message in messages],
        bound_types=[type for type, _ in bound],
        bound_queues=[queue for _, queue in bound],
    )


async def take(
    tx: Transaction, queue: str, most: int, holder: int, lease: float, since: datetime | None = None
) -> list[Taken]:
    """Lease up to ``most`` messages for ``lease`` seconds, the longest due first; none that was due before ``since``."""
    return await tx.rows(TAKE, queue=queue, most=most, holder=holder, lease=lease, since=since)


async def renew(tx: Transaction, ids: Sequence[int], holder: int, lease: float) -> int:
    """Lease them for ``lease`` seconds from now; returns how many the holder still had."""
    return await tx.run(RENEW, ids=list(ids), holder=holder, lease=lease)


async def settle(
    tx: Transaction,
    holder: int,
    acked: Sequence[int],
    again: Sequence[tuple[int, float]],
    dead: Sequence[tuple[int, str]],
) -> int:
    """Delete the ``acked``, retry or dead-letter the others with their delay in seconds or their cause; returns how
    many were still leased to ``holder``: it has lost the rest."""
    count = 0
    if acked:
        count += await tx.run(ACK, acked=list(acked), holder=holder)
    if again:
        count += await tx.run(AGAIN, ids=[id for id, _ in again], delays=[delay for _, delay in again], holder=holder)
    if dead:
        count += await tx.run(BURY, ids=[id for id, _ in dead], causes=[cause for _, cause in dead], holder=holder)
    return count


async def states(reader: Reader, queues: Sequence[str]) -> list[QueueState]:
    """The state of each of the queues, in their order."""
    return await reader.rows(STATES, queues=list(queues))

"""Events of the outbox that a queue has not handled: they are published again where a queue, or what went to it, was lost."""

from __future__ import annotations

from collections.abc import Sequence

from harvestd.store.outbox import Recorded
from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction

ASK_AGAIN = Statement(
    "outbox_ask_again",
    """insert into outbox_again select queue, clock_timestamp() + :after * interval '1 second' from unnest(:queues::text[]) as q(queue)
       order by queue on conflict (queue) do update set due = excluded.due""",
    nothing,
)
ASKED_AGAIN = Statement(
    "outbox_asked_again", "select queue from outbox_again where due < clock_timestamp() order by queue", scalar
)
SEND_AGAIN = Statement(
    "outbox_send_again",
    """with first as (select coalesce(
              (select handled_at - interval '1 minute' from inbox where consumer = :queue order by handled_at limit 1),
              case when exists (select from inbox) then timestamptz 'infinity' else timestamptz '-infinity' end) as at),
            looked as (select seq, id, created_at from outbox
                        where seq > :after and type = any(:types::text[]) and sent_at is not null order by seq limit :limit),
            again as (update outbox o set sent_at = null from looked l, first f
                       where o.seq = l.seq and l.created_at >= f.at
                         and not exists (select from inbox i where i.consumer = :queue and i.event_id = l.id) returning 1)
       select (select max(seq) from looked), (select count(*) from again)""",
    lambda last, count: (last, count),
)
#: Unsent or recently sent events that a queue has not handled; a message that ended its consumers is left to the broker.
UNBROUGHT = Statement(
    "outbox_unbrought",
    """select seq, id::text, type, aggregate, version, data, trace, created_at
         from (select * from outbox where sent_at is null
               union all select * from outbox where sent_at > clock_timestamp() - :lately * interval '1 second') o
        where type = any(:types::text[]) and created_at < clock_timestamp() - :after * interval '1 second' and not id = any(:without::uuid[])
          and not exists (select from inbox i where i.consumer = :queue and i.event_id = o.id)
          and not exists (select from queue_trials t where t.queue = :queue and t.message_id = o.id::text)
        order by seq limit :limit""",
    Recorded,
)
#: Seconds for which sent events are considered: longer than it takes to detect that a broker is away.
LATELY = 120.0
DONE_AGAIN = Statement(
    "outbox_done_again", "delete from outbox_again where queue = :queue and due < clock_timestamp()", nothing
)


async def ask_again(tx: Transaction, queues: Sequence[str], after: float) -> None:
    """Have the relay republish, ``after`` seconds from now, the events that these queues have not handled."""
    await tx.run(ASK_AGAIN, queues=list(queues), after=after)


async def asked_again(reader: Reader) -> list[str]:
    """The queues due for that."""
    return await reader.rows(ASKED_AGAIN)


async def send_again(
    tx: Transaction, queue: str, types: Sequence[str], after: int, limit: int
) -> tuple[int | None, int]:
    """Mark as unsent again those of ``limit`` events of these types, behind the position ``after``, that have no inbox
    mark of the queue. Returns the last position, None when there was none, and how many were marked. Events recorded
    before the queue's first mark were never for it."""
    found = await tx.row(SEND_AGAIN, queue=queue, types=list(types), after=after, limit=limit)
    assert found is not None
    return found


async def unbrought(
    reader: Reader, queue: str, types: Sequence[str], after: float, without: Sequence[str], limit: int
) -> list[Recorded]:
    """The first events of these types that are older than ``after`` seconds and have no inbox mark of the queue, except
    those in ``without``. Read them on the primary."""
    return await reader.rows(
        UNBROUGHT, queue=queue, types=list(types), after=after, lately=LATELY, without=list(without), limit=limit
    )


async def done_again(tx: Transaction, queue: str) -> None:
    """Clear the queue's request."""
    await tx.run(DONE_AGAIN, queue=queue)

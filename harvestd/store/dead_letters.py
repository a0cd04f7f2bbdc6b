"""Rows of the queues' dead letters in PostgreSQL."""

from __future__ import annotations

from datetime import datetime

from harvestd.interfaces import DeadLetter, Message
from harvestd.store.postgres.statements import Reader, Statement, nothing
from harvestd.store.postgres.transactions import Transaction


def _dead(
    id: int, queue: str, message_id: str, type: str, body: bytes, attempts: int, cause: str, died_at: datetime
) -> DeadLetter:
    return DeadLetter(str(id), queue, Message(message_id, type, body), attempts, cause, died_at)


DEAD = Statement(
    "queue_dead",
    """select id, queue, message_id::text, type, body, attempts, cause, died_at
       from queue_dead where queue = :queue order by id limit :most""",
    _dead,
)
REPLAY = Statement(
    "queue_replay",
    """with back as (delete from queue_dead where queue = :queue and id = :id returning queue, message_id, type, body)
       insert into queue_messages (queue, message_id, type, body) select queue, message_id, type, body from back""",
    nothing,
)
DISCARD = Statement("queue_discard", "delete from queue_dead where queue = :queue and id = :id", nothing)


async def oldest(reader: Reader, queue: str, most: int) -> list[DeadLetter]:
    """The oldest dead letters."""
    return await reader.rows(DEAD, queue=queue, most=most)


async def replay(tx: Transaction, queue: str, id: int) -> bool:
    """Put a dead letter back into its queue; False if it does not exist."""
    return await tx.run(REPLAY, queue=queue, id=id) == 1


async def discard(tx: Transaction, queue: str, id: int) -> bool:
    """Delete a dead letter; False if it does not exist."""
    return await tx.run(DISCARD, queue=queue, id=id) == 1

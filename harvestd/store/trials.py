"""Messages that were tried alone: how often their consumer ended without an outcome.

A trial is committed before the message is handled and ends with its outcome, so a process that dies leaves it behind.
It distinguishes a poison message from those merely in hand beside one, which RabbitMQ's own count does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from harvestd.store.postgres.database import Database
from harvestd.store.postgres.statements import Statement, nothing
from harvestd.store.postgres.transactions import Transaction

#: The age at which a trial is obsolete: its message has long had an outcome elsewhere.
FORGOTTEN = timedelta(days=7)

_TRIED = Statement(
    "trials.tried",
    "select message_id, times from queue_trials where queue = :queue and message_id = any(:ids::text[])",
    lambda id, times: (id, times),
)
_BEGIN = Statement(
    "trials.begin",
    """insert into queue_trials as t (queue, message_id, times, tried_at)
       select :queue, id, 1, clock_timestamp() from unnest(:ids::text[]) id order by id
       on conflict (queue, message_id) do update set times = t.times + 1, tried_at = excluded.tried_at""",
    nothing,
)
_END = Statement(
    "trials.end", "delete from queue_trials where queue = :queue and message_id = any(:ids::text[])", nothing
)
_FORGET = Statement(
    "trials.forget", "delete from queue_trials where tried_at < clock_timestamp() - :after::interval", nothing
)


class PostgresTrials:
    """The trials of all processes. Every call is a transaction of its own, and raises ``Unavailable`` without the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tried(self, queue: str, ids: Sequence[str]) -> Mapping[str, int]:
        """How often each was tried without an outcome; messages never tried are left out."""
        return dict(await self._database.transaction(lambda tx: tx.rows(_TRIED, queue=queue, ids=list(ids))))

    async def begin(self, queue: str, *ids: str) -> None:
        """Count one more trial of each, before they are handled."""
        await self._database.transaction(lambda tx: tx.run(_BEGIN, queue=queue, ids=list(ids)))

    async def end(self, queue: str, *ids: str) -> None:
        """Clear the trials: the messages have an outcome."""
        await self._database.transaction(lambda tx: tx.run(_END, queue=queue, ids=list(ids)))


async def forget(tx: Transaction) -> None:
    """Delete trials older than :data:`FORGOTTEN`."""
    await tx.run(_FORGET, after=f"{FORGOTTEN.total_seconds():.0f} seconds")

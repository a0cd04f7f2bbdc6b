"""Idempotency keys: the response to a request is recorded, so that its retry gets the same one.

The claim is a transaction-level advisory lock: a second request with the key is rejected at once instead of waiting,
and a crash leaves nothing to clean up. The response is written in the transaction of the effect, so both exist or
neither.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs

from harvestd.kernel.errors import KeyInFlight, KeyReused
from harvestd.store.postgres.statements import Statement, nothing
from harvestd.store.postgres.transactions import Transaction


@attrs.frozen
class Recorded:
    """The first response. ``headers`` are those to send again, each name once."""

    fingerprint: bytes
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def recorded(fingerprint: Any, status: int, headers: Any, body: Any) -> Recorded:
    """A row's columns as a response."""
    return Recorded(bytes(fingerprint), status, tuple(headers.items()), bytes(body))


def _claimed(locked: bool, *row: Any) -> tuple[bool, Recorded | None]:
    return locked, None if row[0] is None else recorded(*row)


LOCK = Statement(
    "idempotency_lock",
    """select set_config('harvest.key',
              pg_try_advisory_xact_lock(hashtextextended(:user_id::text || ' ' || :key::text, 4812))::text, true)""",
    nothing,
)
# A separate statement in the same round trip: its snapshot must be younger than the lock, to see the previous holder's
# commit. Whether the lock is held it takes from the first statement, since a new attempt might succeed too late for the
# snapshot.
FIND = Statement(
    "idempotency_find",
    """select current_setting('harvest.key') = 'true', fingerprint, status, headers, body
         from (select) as one left join idempotency_keys on user_id = :user_id and key = :key and created_at > :since""",
    _claimed,
)
RECORD = Statement(
    "idempotency_record",
    """insert into idempotency_keys (user_id, key, fingerprint, status, headers, body, created_at)
       values (:user_id, :key, :fingerprint, :status, :headers, :body, :now)
       on conflict (user_id, key) do update
       set fingerprint = excluded.fingerprint, status = excluded.status, headers = excluded.headers,
           body = excluded.body, created_at = excluded.created_at""",
    nothing,
)
FORGET = Statement(
    "idempotency_forget",
    """delete from idempotency_keys where ctid in
       (select ctid from idempotency_keys where created_at <= :before limit :limit)""",
    nothing,
)


async def claim(
    tx: Transaction, user_id: str, key: str, fingerprint: bytes, now: datetime, ttl: float
) -> Recorded | None:
    """Hold ``key`` for the rest of the transaction; returns the first response, if there was one within ``ttl`` seconds.

    Raises ``KeyInFlight`` when another transaction holds it, ``KeyReused`` when it was used for a different request.
    """
    tx.later(LOCK, user_id=user_id, key=key)
    row = await tx.row(FIND, user_id=user_id, key=key, since=now - timedelta(seconds=ttl))
    assert row is not None
    locked, found = row
    if not locked:
        raise in_flight()
    if found is not None and found.fingerprint != fingerprint:
        raise reused()
    return found


def in_flight() -> KeyInFlight:
    """The refusal of a key that another transaction holds."""
    return KeyInFlight("a request with this Idempotency-Key is being worked on; send it again in a moment")


def reused() -> KeyReused:
    """The refusal of a key that was used for a different request."""
    return KeyReused("this Idempotency-Key was used for another request; take a fresh key")


def record(tx: Transaction, user_id: str, key: str, answer: Recorded, now: datetime) -> None:
    """Record the response, in the transaction of the effect."""
    tx.later(
        RECORD,
        user_id=user_id,
        key=key,
        fingerprint=answer.fingerprint,
        status=answer.status,
        headers=dict(answer.headers),
        body=answer.body,
        now=now,
    )


async def forget(tx: Transaction, now: datetime, ttl: float, limit: int = 10_000) -> int:
    """Delete at most ``limit`` keys that are older than ``ttl`` seconds; returns how many."""
    return await tx.run(FORGET, before=now - timedelta(seconds=ttl), limit=limit)

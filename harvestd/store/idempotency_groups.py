"""Idempotency keys of requests that are worked on in one transaction, as :mod:`harvestd.store.idempotency` has them of one each.

No two of them may have the same key: the lock is the transaction's, and would not tell them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from harvestd.kernel.errors import KeyInFlight, KeyReused
from harvestd.store.idempotency import Recorded, in_flight, recorded, reused
from harvestd.store.postgres.statements import Statement, nothing
from harvestd.store.postgres.transactions import Transaction


@attrs.frozen
class Claim:
    """A key, whose it is, and what it is for."""

    user_id: str
    key: str
    fingerprint: bytes


def _claimed(locked: bool, *row: Any) -> tuple[bool, Recorded | None]:
    return locked, None if row[0] is None else recorded(*row)


# The same lock as that of a single key.
LOCK = Statement(
    "idempotency_groups.lock",
    """select set_config('harvest.keys', array_to_string(array(
              select pg_try_advisory_xact_lock(hashtextextended(k.user_id || ' ' || k.key, 4812))
                from unnest(:user_ids::text[], :keys::text[]) with ordinality as k(user_id, key, n) order by k.n), ' '), true)""",
    nothing,
)
# A separate statement in the same round trip, as for a single key.
FIND = Statement(
    "idempotency_groups.find",
    """select (string_to_array(current_setting('harvest.keys'), ' '))[k.n] = 't', i.fingerprint, i.status, i.headers, i.body
         from unnest(:user_ids::uuid[], :keys::text[]) with ordinality as k(user_id, key, n)
              left join idempotency_keys i on i.user_id = k.user_id and i.key = k.key and i.created_at > :since
        order by k.n""",
    _claimed,
)
RECORD = Statement(
    "idempotency_groups.record",
    """insert into idempotency_keys (user_id, key, fingerprint, status, headers, body, created_at)
       select k.user_id, k.key, k.fingerprint, k.status, k.headers, k.body, :now
         from unnest(:user_ids::uuid[], :keys::text[], :fingerprints::bytea[], :statuses::integer[], :headers::jsonb[], :bodies::bytea[])
              as k(user_id, key, fingerprint, status, headers, body)
       on conflict (user_id, key) do update
       set fingerprint = excluded.fingerprint, status = excluded.status, headers = excluded.headers,
           body = excluded.body, created_at = excluded.created_at""",
    nothing,
)


async def claim(
    tx: Transaction, claims: Sequence[Claim], now: datetime, ttl: float
) -> list[Recorded | KeyInFlight | KeyReused | None]:
    """Hold the keys for the rest of the transaction; returns for each what :func:`idempotency.claim` returns or raises."""
    own = {"user_ids": [one.user_id for one in claims], "keys": [one.key for one in claims]}
    tx.later(LOCK, **own)
    rows = await tx.rows(FIND, **own, since=now - timedelta(seconds=ttl))
    found: list[Recorded | KeyInFlight | KeyReused | None] = []
    for one, (locked, first) in zip(claims, rows, strict=True):
        if not locked:
            found.append(in_flight())
        elif first is not None and first.fingerprint != one.fingerprint:
            found.append(reused())
        else:
            found.append(first)
    return found


def record(tx: Transaction, answers: Sequence[tuple[Claim, Recorded]], now: datetime) -> None:
    """Record the responses, in the transaction of their effects."""
    if not answers:
        return
    tx.later(
        RECORD,
        user_ids=[one.user_id for one, _ in answers],
        keys=[one.key for one, _ in answers],
        fingerprints=[answer.fingerprint for _, answer in answers],
        statuses=[answer.status for _, answer in answers],
        headers=[dict(answer.headers) for _, answer in answers],
        bodies=[answer.body for _, answer in answers],
        now=now,
    )

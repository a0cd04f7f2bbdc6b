"""The mail outbox: written in the transaction that it reports on, sent later, by one process at a time.

A claim postpones a mail's next attempt by the lease, so the mail of a crashed process becomes due again by itself.
``attempts`` grows with each claim and every update names the attempt it is for, so that a process that returns
after its lease expired changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import attrs
import msgspec

from harvestd.interfaces import Mail
from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction

#: The window over which mails are counted for each recipient, and for one whose address nobody has verified; and the value for no limit.
WINDOW, UNPROVEN_WINDOW, UNBOUNDED = timedelta(hours=1), timedelta(days=1), 2**31 - 1


@attrs.frozen
class Claimed:
    """A claimed mail. ``attempts`` includes this one; ``due_at`` is when its lease expires."""

    id: str
    mail: Mail
    attempts: int
    created_at: datetime


class Due(msgspec.Struct, frozen=True):
    """How many due mails are unclaimed, and the age in seconds of the oldest (0.0 if there is none)."""

    count: int
    oldest: float


class Added(msgspec.Struct, frozen=True):
    """A new mail. ``left`` if its recipient has reached the limit: it is stored, but not sent. ``first`` if no earlier one of theirs
    was left out within the window."""

    key: str
    recipient: str
    left: bool
    first: bool


def _claimed(
    id: str, key: str, recipient: str, subject: str, body: str, language: str, attempts: int, created_at: datetime
) -> Claimed:
    return Claimed(id, Mail(key, recipient, subject, body, language), attempts, created_at)


ENQUEUE = Statement(
    "mails_enqueue",
    """with asked as (
         select m.*, row_number() over (partition by m.recipient order by m.n) as place
         from unnest(:ids::uuid[], :recipients::text[], :subjects::text[], :bodies::text[], :keys::text[], :languages::text[])
           with ordinality as m(id, recipient, subject, body, key, language, n)),
       had as (
         select r.recipient,
                (select count(*) from (select from mails where recipient = r.recipient and created_at > :since::timestamptz
                                          and state <> 'left' limit :most) sent) as sent,
                exists (select from mails where recipient = r.recipient and created_at > :since::timestamptz
                           and state = 'left' offset 0) as left_out
         from (select distinct recipient from asked) r),
       added as (
         insert into mails (id, recipient, subject, body, language, dedupe_key, due_at, created_at, state)
         select a.id, a.recipient, a.subject, a.body, a.language, a.key, :now, :now,
                case when h.sent + a.place <= :most then 'pending' else 'left' end
         from asked a join had h on h.recipient = a.recipient
         on conflict (dedupe_key) do nothing returning recipient, dedupe_key, state)
       select a.dedupe_key, a.recipient, a.state = 'left', not h.left_out
       from added a join had h on h.recipient = a.recipient""",
    Added,
)
CLAIM = Statement(
    "mails_claim",
    """update mails set attempts = attempts + 1, due_at = :until
       where id in (select id from mails where state = 'pending' and due_at <= :now
                    order by due_at, id limit :limit for update skip locked)
       returning id::text, dedupe_key, recipient, subject, body, language, attempts, created_at""",
    _claimed,
)
SENT = Statement(
    "mails_sent",
    """update mails m set state = 'sent', sent_at = :now, cause = ''
       from unnest(:ids::uuid[], :attempts::int[]) as t(id, attempts)
       where m.id = t.id and m.attempts = t.attempts and m.state = 'pending'""",
    nothing,
)
RENEW = Statement(
    "mails_renew",
    """update mails m set due_at = :due_at from unnest(:ids::uuid[], :attempts::int[]) as t(id, attempts)
       where m.id = t.id and m.attempts = t.attempts and m.state = 'pending' returning m.id::text""",
    scalar,
)
DUE = Statement(
    "mails_due",
    """select count(*), coalesce(extract(epoch from :now::timestamptz - min(due_at)), 0)::float8
       from mails where state = 'pending' and due_at <= :now""",
    Due,
)
LATER = Statement(
    "mails_later",
    "update mails set due_at = :due_at, cause = :cause where id = :id and attempts = :attempts and state = 'pending'",
    nothing,
)
UNTRIED = Statement(
    "mails_untried",
    """update mails m set attempts = m.attempts - 1, due_at = t.due_at, cause = :cause
       from unnest(:ids::uuid[], :attempts::int[], :dues::timestamptz[]) as t(id, attempts, due_at)
       where m.id = t.id and m.attempts = t.attempts and m.state = 'pending'""",
    nothing,
)
FAILED = Statement(
    "mails_failed",
    "update mails set state = 'failed', cause = :cause where id = :id and attempts = :attempts and state = 'pending'",
    nothing,
)
PURGE = Statement(
    "mails_purge",
    """delete from mails where id in (select id from mails where (state = 'sent' and sent_at < :sent_before)
                                                              or (state = 'left' and created_at < :sent_before) limit :limit)""",
    nothing,
)


async def enqueue(
    tx: Transaction, mails: Sequence[Mail], new_id: Callable[[], str], now: datetime, most: int = UNBOUNDED, window: timedelta = WINDOW,
) -> list[Added]:  # fmt: skip
    """Store mails to be sent once ``tx`` commits; returns the new ones. An idempotency key that already exists, sent or not,
    keeps its one mail. Mails over the limit of ``most`` for one recipient within ``window`` are left out (two concurrent processes
    may let a batch more through)."""
    if not mails:
        return []
    return await tx.rows(
        ENQUEUE,
        ids=[new_id() for _ in mails],
        recipients=[m.recipient for m in mails],
        subjects=[m.subject for m in mails],
        bodies=[m.body for m in mails],
        keys=[m.key for m in mails],
        languages=[m.language for m in mails],
        now=now,
        since=now - window,
        most=most,
    )


async def claim(tx: Transaction, now: datetime, lease: timedelta, limit: int) -> list[Claimed]:
    """Claim up to ``limit`` due mails, the longest due first; no other process gets them while the lease lasts."""
    return sorted(await tx.rows(CLAIM, now=now, until=now + lease, limit=limit), key=lambda c: c.id)


async def sent(tx: Transaction, claims: Sequence[Claimed], now: datetime) -> None:
    """Mark claimed mails as sent."""
    await tx.run(SENT, ids=[c.id for c in claims], attempts=[c.attempts for c in claims], now=now)


async def renew(tx: Transaction, claims: Sequence[Claimed], due_at: datetime) -> set[str]:
    """Extend the leases until then; returns the ids of the mails that were still claimed."""
    return (
        set(await tx.rows(RENEW, ids=[c.id for c in claims], attempts=[c.attempts for c in claims], due_at=due_at))
        if claims
        else set()
    )


async def due(reader: Reader, now: datetime) -> Due:
    """The backlog of due, unclaimed mails."""
    found = await reader.row(DUE, now=now)
    assert found is not None
    return found


async def later(tx: Transaction, claimed: Claimed, due_at: datetime, cause: str) -> None:
    """Schedule a retry after a failed attempt."""
    await tx.run(LATER, id=claimed.id, attempts=claimed.attempts, due_at=due_at, cause=cause)


async def untried(tx: Transaction, claims: Sequence[tuple[Claimed, datetime]], cause: str) -> None:
    """Schedule a retry after the mail server was unreachable; the attempt does not count."""
    await tx.run(
        UNTRIED,
        ids=[c.id for c, _ in claims],
        attempts=[c.attempts for c, _ in claims],
        dues=[due for _, due in claims],
        cause=cause,
    )


async def failed(tx: Transaction, claimed: Claimed, cause: str) -> None:
    """Give up on a mail; ``cause`` says why."""
    await tx.run(FAILED, id=claimed.id, attempts=claimed.attempts, cause=cause)


async def purge(tx: Transaction, sent_before: datetime, limit: int = 1000) -> int:
    """Delete up to ``limit`` mails that were sent before then; returns how many. Call again while it is ``limit``."""
    return await tx.run(PURGE, sent_before=sent_before, limit=limit)

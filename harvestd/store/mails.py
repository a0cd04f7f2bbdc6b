"""Mail on its way out: written with what it tells of, handed over later, by one process at a time.

A claim puts a mail's next try off by the lease, so a process that dies with mail in hand gives it back by doing nothing.
``attempts`` grows with each claim; whoever settles a mail names the attempt that it made, so that one who comes back
after its lease ran out changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import attrs

from harvestd.interfaces import Mail
from harvestd.store.database import Statement, Transaction, nothing


@attrs.frozen
class Claimed:
    """A mail in hand. ``attempts`` counts this one too; ``due_at`` is when it comes back by itself."""

    id: str
    mail: Mail
    attempts: int
    created_at: datetime


def _claimed(
    id: str, key: str, recipient: str, subject: str, body: str, attempts: int, created_at: datetime
) -> Claimed:
    return Claimed(id, Mail(key, recipient, subject, body), attempts, created_at)


ENQUEUE = Statement(
    "mails_enqueue",
    """insert into mails (id, recipient, subject, body, dedupe_key, due_at, created_at)
       select m.id, m.recipient, m.subject, m.body, m.key, $6, $6
       from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) as m(id, recipient, subject, body, key)
       on conflict (dedupe_key) do nothing""",
    nothing,
)
CLAIM = Statement(
    "mails_claim",
    """update mails set attempts = attempts + 1, due_at = $2
       where id in (select id from mails where state = 'pending' and due_at <= $1
                    order by due_at limit $3 for update skip locked)
       returning id::text, dedupe_key, recipient, subject, body, attempts, created_at""",
    _claimed,
)
SENT = Statement(
    "mails_sent",
    """update mails m set state = 'sent', sent_at = $3, cause = ''
       from unnest($1::uuid[], $2::int[]) as t(id, attempts)
       where m.id = t.id and m.attempts = t.attempts and m.state = 'pending'""",
    nothing,
)
LATER = Statement(
    "mails_later",
    "update mails set due_at = $3, cause = $4 where id = $1 and attempts = $2 and state = 'pending'",
    nothing,
)
UNTRIED = Statement(
    "mails_untried",
    """update mails m set attempts = m.attempts - 1, due_at = t.due_at, cause = $4
       from unnest($1::uuid[], $2::int[], $3::timestamptz[]) as t(id, attempts, due_at)
       where m.id = t.id and m.attempts = t.attempts and m.state = 'pending'""",
    nothing,
)
FAILED = Statement(
    "mails_failed",
    "update mails set state = 'failed', cause = $3 where id = $1 and attempts = $2 and state = 'pending'",
    nothing,
)
PURGE = Statement(
    "mails_purge",
    "delete from mails where id in (select id from mails where state = 'sent' and sent_at < $1 limit $2)",
    nothing,
)


async def enqueue(tx: Transaction, mails: Sequence[Mail], new_id: Callable[[], str], now: datetime) -> int:
    """Write mails to be sent once ``tx`` is committed; answers how many are new. A key that was there before, sent or not,
    stays the one mail that it was."""
    if not mails:
        return 0
    return await tx.run(
        ENQUEUE,
        [new_id() for _ in mails],
        [m.recipient for m in mails],
        [m.subject for m in mails],
        [m.body for m in mails],
        [m.key for m in mails],
        now,
    )


async def claim(tx: Transaction, now: datetime, lease: timedelta, limit: int) -> list[Claimed]:
    """Up to ``limit`` mails that are due, the longest due first; nobody else is given them while the lease lasts."""
    return sorted(await tx.rows(CLAIM, now, now + lease, limit), key=lambda c: c.id)


async def sent(tx: Transaction, claims: Sequence[Claimed], now: datetime) -> None:
    """They were handed over."""
    await tx.run(SENT, [c.id for c in claims], [c.attempts for c in claims], now)


async def later(tx: Transaction, claimed: Claimed, due_at: datetime, cause: str) -> None:
    """It was tried; try again then."""
    await tx.run(LATER, claimed.id, claimed.attempts, due_at, cause)


async def untried(tx: Transaction, claims: Sequence[tuple[Claimed, datetime]], cause: str) -> None:
    """Nobody was there to be tried: each is due again then, and the attempt does not count."""
    await tx.run(UNTRIED, [c.id for c, _ in claims], [c.attempts for c, _ in claims], [due for _, due in claims], cause)


async def failed(tx: Transaction, claimed: Claimed, cause: str) -> None:
    """It is given up; ``cause`` says why."""
    await tx.run(FAILED, claimed.id, claimed.attempts, cause)


async def purge(tx: Transaction, sent_before: datetime, limit: int = 1000) -> int:
    """Delete up to ``limit`` mails that were sent before then; answers how many. Call again while it is ``limit``."""
    return await tx.run(PURGE, sent_before, limit)

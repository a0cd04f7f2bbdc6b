"""Sending due mail, at least once, under a stable Message-ID."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from harvestd.market.notifications import mail_rows as mails
from harvestd.market.notifications.mail_batch import AT_ONCE, LEASE, Batch
from harvestd.parts import Parts
from harvestd.runtime.health import LATE, Condition
from harvestd.runtime.spawn import spawn
from harvestd.store.leases import GoingOn, always
from harvestd.unit_of_work import change

#: Mails that are claimed together.
BATCH = 50

#: The name of the periodic task.
TASK = "mails"


async def condition(parts: Parts) -> Condition:
    """For readiness, in whatever process: whether mail that is due is sent in time."""
    waiting = await mails.due(parts.database, parts.machine_now())
    late = f"{waiting.count} mails are due, the oldest for {waiting.oldest:.0f} s: no worker sends mail"
    return Condition("degraded", late) if waiting.oldest > LATE else Condition("ok")


async def deliver(parts: Parts, going_on: GoingOn = always) -> None:
    """Send all mail that is due."""
    while await send_due(parts) == BATCH and await going_on():
        pass


async def send_due(parts: Parts) -> int:
    """Claim up to ``BATCH`` due mails, send them ``AT_ONCE`` at a time, and return how many were sent."""
    now = parts.machine_now()
    claimed = await change(parts, lambda unit: mails.claim(unit.tx, now, LEASE, BATCH))
    if not claimed:
        return 0
    batch = Batch(parts, claimed, now)
    renewal = spawn("keeping mail in hand", batch.renew())
    senders = [Deferred.fromCoroutine(batch.send()) for _ in range(min(AT_ONCE, len(claimed)))]
    errors = [await _settled(sender) for sender in senders]
    batch.done.ring()
    await renewal
    await batch.mark()
    await batch.put_back()
    for error in filter(None, (*errors, batch.unmarkable)):
        raise error
    return batch.sent


async def _settled(sender: Deferred[None]) -> Exception | None:
    try:
        await sender
    except Exception as error:
        return error
    return None

"""Mails in hand: sent some at once, to one address one after another, under a lease, marked together, tried again later, or given up."""

from __future__ import annotations

import random
from collections import deque
from datetime import datetime, timedelta
from typing import Any

from twisted.internet.defer import DeferredLock
from twisted.logger import Logger

from harvestd.interfaces import MailServerUnreachable, Refused
from harvestd.kernel.errors import Unavailable
from harvestd.market.notifications import mail_rows as mails
from harvestd.market.notifications.mail_rows import Claimed
from harvestd.parts import Parts
from harvestd.runtime.failpoints import failpoint
from harvestd.runtime.spawn import spawn
from harvestd.runtime.wakeup import Wakeup
from harvestd.unit_of_work import change

#: Backoff in seconds before each retry of a mail that was not accepted; after the last one it is given up.
RETRY_DELAYS = (1.0, 10.0, 60.0, 600.0, 3_600.0, 21_600.0)
#: While the mail server is unreachable, a mail of age t is retried after t/4, within these seconds; no attempt counts ...
AWAY_DELAYS = (5.0, 600.0)
#: ... until it is old enough to be given up (RFC 5321, 4.5.4.1: at least 4 to 5 days).
AWAY_LIMIT = timedelta(days=5)
#: The lease of a claimed mail: if it is not renewed, the mail becomes due again and another process sends it.
LEASE = timedelta(seconds=8)
#: Mails that are sent at once.
AT_ONCE = 5
#: Sent mails are marked together, ``MARK_AFTER`` seconds after the first of them, or as soon as there are ``MAX_MARK``; no further
#: mail is sent while ``MAX_MARK`` are unmarked.
MARK_AFTER, MAX_MARK = 0.05, 16
#: So this is the most that a crashed process leaves to be sent twice, however slow the mail server or PostgreSQL is: the unmarked
#: mails and those in flight. Mail written to a folder is deduplicated all the same.
MAX_TWICE = MAX_MARK - 1 + AT_ONCE

log = Logger()


class Batch:
    """Claimed mails being sent; ``away`` is the reason once the mail server is found unreachable, ``unmarkable`` the error if sent
    mails could not be marked."""

    def __init__(self, parts: Parts, claimed: list[Claimed], now: datetime) -> None:
        self.done = Wakeup(parts.reactor)
        self._parts = parts
        #: When the leases expire, and the claimed mails: those left to send, in flight or unmarked.
        self._until = now + LEASE
        self._held = {one.id: one for one in claimed}
        self._left = deque(claimed)
        self._under_way: set[str] = set()
        self._away: str = ""
        self._unmarked: list[Claimed] = []
        self._marking = DeferredLock()
        self._timer: Any = None
        #: Sent mails that are not yet known to be marked, including those being marked.
        self._open = 0
        self.sent = 0
        self.unmarkable: Exception | None = None

    async def send(self) -> None:
        """Send one mail after another, until none is left or the mail server is unreachable."""
        while self._left and not self._away:
            if self._parts.machine_now() >= self._until:
                await self._renew()  # this process was suspended or delayed: another may have claimed some of them
                continue
            if self._open >= MAX_MARK:
                await self.mark()
                continue
            claimed = self._next()
            if claimed is None:
                return  # who sends the mails to these addresses goes on with the rest
            try:
                await failpoint("mail.before_send")
                await self._parts.mailer.send(claimed.mail)
                await failpoint("mail.after_send")
            except MailServerUnreachable as error:
                self._away = str(error)
                self._left.append(claimed)
            except Refused as error:
                await self._fail(claimed, str(error))
            except Exception as error:
                if not isinstance(error, Unavailable):
                    log.failure("sending mail {key} failed", key=claimed.mail.key)
                await self._retry(claimed, str(error) or repr(error))
            else:
                self._unmarked.append(claimed)
                self._open += 1
                if self._timer is None:
                    self._timer = self._parts.reactor.callLater(MARK_AFTER, self._mark_now)
            finally:
                self._under_way.discard(claimed.mail.recipient)

    def _next(self) -> Claimed | None:
        """The next mail to an address to which none is under way: whoever gets several gets them in their order."""
        found = next((one for one in self._left if one.mail.recipient not in self._under_way), None)
        if found is not None:
            self._left.remove(found)
            self._under_way.add(found.mail.recipient)
        return found

    async def renew(self) -> None:
        """Keep renewing the leases while this batch is being sent."""
        while not await self.done.wait(LEASE.total_seconds() / 3):
            try:
                await self._renew()
            except Exception as error:
                log.warn("mail in hand is not renewed: {why}", why=str(error) or repr(error))

    async def _renew(self) -> None:
        """Extend the leases; mails that were lost meanwhile are no longer sent here."""
        until = self._parts.machine_now() + LEASE
        held = list(self._held.values())
        kept = await change(self._parts, lambda unit: mails.renew(unit.tx, held, until))
        self._until = until
        lost = {one.id for one in held} - kept
        if lost:
            self._left = deque(one for one in self._left if one.id not in lost)
            log.warn("{number} mails in hand were taken over by another process", number=len(lost))
        for id in lost:
            self._held.pop(id, None)

    def _mark_now(self) -> None:
        """Mark from the timer; the final mark of the batch waits for this one."""
        self._timer = None
        spawn("noting sent mail", self.mark())

    async def mark(self) -> None:
        """Mark sent mails together; concurrent calls wait for each other. After a failure no more mail is sent, since it
        could not be marked."""
        await self._marking.acquire()
        done, self._unmarked = self._unmarked, []
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        try:
            if done:
                await self._mark(done)
        except Exception as error:
            self._away, self.unmarkable = str(error) or repr(error), error
        self._marking.release()  # only cancellation skips this, after which nothing should go on

    async def _mark(self, done: list[Claimed]) -> None:
        now = self._parts.machine_now()
        await failpoint("mail.before_mark")
        await change(self._parts, lambda unit: mails.sent(unit.tx, done, now))
        for one in done:
            self._held.pop(one.id, None)
            self._parts.metrics.mailed("sent")
        self._open -= len(done)
        self.sent += len(done)

    async def _retry(self, claimed: Claimed, cause: str) -> None:
        if claimed.attempts > len(RETRY_DELAYS):
            await self._fail(claimed, f"given up after {claimed.attempts} tries: {cause}")
            return
        self._held.pop(claimed.id, None)
        due_at = self._after(RETRY_DELAYS[claimed.attempts - 1])
        log.info("mail {key} is tried again: {cause}", key=claimed.mail.key, cause=cause, due_at=due_at.isoformat())
        await change(self._parts, lambda unit: mails.later(unit.tx, claimed, due_at, cause))
        self._parts.metrics.mailed("retried")

    async def _fail(self, claimed: Claimed, cause: str) -> None:
        self._held.pop(claimed.id, None)
        log.warn("mail {key} is given up: {cause}", key=claimed.mail.key, cause=cause)
        await change(self._parts, lambda unit: mails.failed(unit.tx, claimed, cause))
        self._parts.metrics.mailed("failed")

    async def put_back(self) -> None:
        """Reschedule the mails that were not attempted."""
        left = list(self._left)
        if not left:
            return
        now = self._parts.machine_now()
        log.warn("no mail can be sent now, {number} wait: {cause}", number=len(left), cause=self._away)
        for claimed in [c for c in left if now - c.created_at > AWAY_LIMIT]:
            left.remove(claimed)
            await self._fail(claimed, f"given up after {AWAY_LIMIT.days} days: {self._away}")
        claims = [(c, self._after(_away_delay(now - c.created_at))) for c in left]
        await change(self._parts, lambda unit: mails.untried(unit.tx, claims, self._away))

    def _after(self, seconds: float) -> datetime:
        scaled = seconds * self._parts.settings.queue_retry_scale * random.uniform(0.8, 1.2)
        return self._parts.machine_now() + timedelta(seconds=scaled)


def _away_delay(age: timedelta) -> float:
    least, most = AWAY_DELAYS
    return min(max(age.total_seconds() / 4, least), most)

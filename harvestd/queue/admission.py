"""Admission to a consumer: which deliveries are events of this market, for this queue, with data valid for their type.

==========================================  ==================================================================================
a message                                   is accepted
==========================================  ==================================================================================
sealed, and not older than ``outbox_keep``  as it is; its inbox mark still exists if it was handled before
any other that names an event               as the outbox has that event, regardless of its content: nothing is lost after an
                                            upgrade or a change of ``token_secret``, and a third party with write access to
                                            the broker can only have an event handled that really happened, and only once
the rest                                    not at all: it is dead-lettered at once, without an inbox mark
==========================================  ==================================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import msgspec
from twisted.logger import Logger

from harvestd.interfaces import Delivery, Dropped, Outcome, Retried
from harvestd.kernel.errors import Unavailable
from harvestd.parts import Parts
from harvestd.queue.envelope import Envelope, named
from harvestd.queue.opened import Opened, Sealed, looked_into
from harvestd.queue.recorded_messages import envelope_of
from harvestd.queue.retry import Drop
from harvestd.runtime.shortages import OnceAMinute
from harvestd.store import outbox

#: The reason for rejecting a message whose event is not in the outbox.
_STRANGE = "not of this market: it has no seal of ours that counts, and the outbox has no such event"
_TOO_OLD = "recorded longer than outbox_keep ago, and the outbox has it no more: every queue has handled it, or it was kept ten times as long"


class Admission:
    """One for each consumer."""

    log = Logger()

    def __init__(self, parts: Parts, queue: str, opened: Opened) -> None:
        self._parts = parts
        self._queue = queue
        self._opened = opened
        self._kept = timedelta(seconds=parts.settings.outbox_keep)
        self._rarely = OnceAMinute(parts.reactor.seconds)

    async def admit(self, deliveries: Sequence[Delivery]) -> tuple[dict[int, Envelope], dict[int, Outcome]]:
        """The admitted events and the outcomes of the other deliveries, both keyed by index in the batch; the events in batch order."""
        events: dict[int, Envelope] = {}
        refused: dict[int, Outcome] = {}
        named: dict[int, tuple[str, str]] = {}
        oldest = self._parts.machine_now() - self._kept
        for place, delivery in enumerate(deliveries):
            try:
                sealed = self._opened.open(delivery.message.body)
                if sealed is not None and sealed.event.timestamp >= oldest:
                    events[place] = self._fitting(sealed)
                else:
                    named[place] = (_id(delivery.message.body), _TOO_OLD if sealed is not None else _STRANGE)
            except Drop as error:
                refused[place] = Dropped(str(error))
        if named:
            await self._look_up(named, events, refused)
            events = dict(sorted(events.items()))
        self._tell([outcome.cause for outcome in refused.values() if isinstance(outcome, Dropped)])
        return events, refused

    async def _look_up(
        self, named: dict[int, tuple[str, str]], events: dict[int, Envelope], refused: dict[int, Outcome]
    ) -> None:
        """Look up messages without a valid seal in the outbox; ``named`` has each one's id, and its rejection if it is not there."""
        try:
            ids = sorted({id for id, _ in named.values()})
            rows = {row.id: row for row in await outbox.some(self._parts.database, ids)}
        except Unavailable as error:
            refused |= dict.fromkeys(named, Retried(error.detail))
            return
        for place, (id, otherwise) in named.items():
            try:
                if id not in rows:
                    raise Drop(otherwise)
                events[place] = self._fitting(looked_into(self._parts.topology, envelope_of(rows[id])))
            except Drop as error:
                refused[place] = Dropped(str(error))

    def _fitting(self, sealed: Sealed) -> Envelope:
        """The event, if it is for this queue and its data is valid for its type."""
        event = sealed.event
        if self._queue not in self._parts.topology.queues_for(event.type):
            raise Drop(f"not for this queue: it has no binding for {event.type[:100]}")
        if sealed.fault:
            raise Drop(f"cannot be decoded: {sealed.fault}")
        return event

    def _tell(self, causes: Sequence[str]) -> None:
        """Log at most one line a minute, however many arrive: a third party with write access to the broker cannot flood the log."""
        if not causes:
            return
        times = self._rarely.due(len(causes))
        if times:
            self.log.warn(
                "{queue}: {n} messages turned away to the dead letters; the last: {why}",
                queue=self._queue, n=times, why=causes[-1][:300],
            )  # fmt: skip


def _id(body: bytes) -> str:
    """The event id that an untrusted message names."""
    try:
        return str(UUID(named(body)))
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise Drop(f"cannot be decoded: {str(error)[:300]}") from None

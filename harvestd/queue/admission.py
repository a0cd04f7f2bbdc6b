"""Admission to a consumer: what of a delivery is an event of this market, for this queue, of its type's form.

==========================================  ==================================================================================
a message                                   counts
==========================================  ==================================================================================
sealed, and not older than ``outbox_keep``  as it is; its mark in the inbox is still there if it was handled before
any other that names an event               as the outbox has that event, whatever the message says: so after an upgrade or
                                            with a new ``token_secret`` nothing is lost, and whoever can write to the broker
                                            can have an event handled that happened, once, and no other
the rest                                    not at all: it is a dead letter at once, and leaves no mark
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
from harvestd.queue.relay import envelope_of
from harvestd.queue.retry import Drop
from harvestd.runtime.shortages import OnceAMinute
from harvestd.store import outbox

#: Why a message is turned away whose event the outbox has not.
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
        """The events, and the outcomes of the other deliveries; both by place in the batch, the events in its order."""
        events: dict[int, Envelope] = {}
        refused: dict[int, Outcome] = {}
        named: dict[int, tuple[str, str]] = {}
        oldest = self._parts.now() - self._kept
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
        """Of those that are not believed, the outbox's rows; ``named`` has the id of each, and why it is none of ours otherwise."""
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
        """The event, if it is for this queue and its data is of its type's form."""
        event = sealed.event
        if self._queue not in self._parts.topology.queues_for(event.type):
            raise Drop(f"not for this queue: it has no binding for {event.type[:100]}")
        if sealed.fault:
            raise Drop(f"cannot be decoded: {sealed.fault}")
        return event

    def _tell(self, causes: Sequence[str]) -> None:
        """One line a minute, however many come: whoever writes to the broker does not write the log."""
        if not causes:
            return
        times = self._rarely.due(len(causes))
        if times:
            self.log.warn(
                "{queue}: {n} messages turned away to the dead letters; the last: {why}",
                queue=self._queue, n=times, why=causes[-1][:300],
            )  # fmt: skip


def _id(body: bytes) -> str:
    """The id of the event that somebody's message names."""
    try:
        return str(UUID(named(body)))
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise Drop(f"cannot be decoded: {str(error)[:300]}") from None

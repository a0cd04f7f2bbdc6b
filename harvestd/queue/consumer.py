"""The consumer of one queue: from a batch of messages to exactly-once effects.

Messages that are not events of this market are not admitted. The whole batch is tried in one transaction, together with
its inbox marks. If any of it fails, the transaction rolls back and each message is tried alone, so that only the
culprit is retried or dropped.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from harvestd.interfaces import Acked, Delivery, Dropped, Outcome, Retried
from harvestd.kernel.errors import Unavailable
from harvestd.parts import Parts
from harvestd.queue.admission import Admission
from harvestd.queue.envelope import Envelope
from harvestd.queue.opened import Opened
from harvestd.queue.retry import outcome_of
from harvestd.queue.work import Handle, QueueHandlers
from harvestd.runtime.failpoints import failpoint
from harvestd.runtime.tracing import tracing
from harvestd.store import inbox
from harvestd.store.postgres.faults import TimedOut
from harvestd.unit_of_work import UnitOfWork, change


class Consumer:
    """``receive`` is the callback for ``IBroker.consume``; ``queue`` is also the consumer's name in the inbox. The
    consumers of a process share their ``opened`` messages."""

    log = Logger()

    def __init__(self, parts: Parts, queue: str, handlers: QueueHandlers, opened: Opened | None = None) -> None:
        self._parts = parts
        self._queue = queue
        self._door = Admission(parts, queue, opened or Opened(parts.topology, parts.secret))
        self._handlers = handlers

    async def receive(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """One outcome for each delivery, in order. Never raises because of a message or a handler."""
        began = self._parts.reactor.seconds()
        outcomes: list[Outcome] = [Acked()] * len(deliveries)
        events, refused = await self._door.admit(deliveries)
        for place, outcome in refused.items():
            outcomes[place] = outcome
        if events:
            await self._handle(events, outcomes)
        self._count(deliveries, outcomes, began)
        return outcomes

    async def _handle(self, events: dict[int, Envelope], outcomes: list[Outcome]) -> None:
        """Try all ``events``, keyed by index in the batch, at once; if that fails, one by one."""
        await failpoint("consumer.before_transaction")
        if self._handlers.apart:
            await self._all_apart(events, outcomes)
            return
        if len(events) > 1:
            try:
                await self._commit(list(events.values()))
                return
            except Exception as error:
                self.log.debug("{queue}: a batch is tried one by one: {why!r}", queue=self._queue, why=error)
        for place, event in events.items():
            try:
                await self._commit([event])
            except Exception as error:
                outcomes[place] = self._failed(event, error)
                if isinstance(error, Unavailable) and not isinstance(error, TimedOut):
                    # An outage affects the rest of the batch too: do not wait for it once per message.
                    for later in events:
                        if later > place:
                            outcomes[later] = outcomes[place]
                    return

    async def _all_apart(self, events: dict[int, Envelope], outcomes: list[Outcome]) -> None:
        """Handle each by itself, all at the same time: the queue's prefetch bounds them."""

        async def one(place: int, event: Envelope) -> None:
            try:
                with tracing(event.trace.as_trace()):
                    found = self._handlers.apart.get(event.type)
                    handle = None if found is None else await found(self._parts, event)
                await self._commit([event], handle)
            except Exception as error:
                outcomes[place] = self._failed(event, error)

        for doing in [Deferred.fromCoroutine(one(place, event)) for place, event in events.items()]:
            await doing

    async def _commit(self, events: Sequence[Envelope], handle: Handle | None = None) -> None:
        """Handle the ``events`` that were not handled before, with their inbox marks, in one transaction.

        A type without a handler is marked too, so that every event has a mark or a dead letter in each of its queues.
        """

        async def work(unit: UnitOfWork) -> None:
            new = await inbox.claim(unit.tx, self._queue, [event.id for event in events])
            await (self._dispatch(unit, events, new) if handle is None else self._one(unit, events[0], new, handle))
            await failpoint("consumer.before_commit")

        await change(self._parts, work)
        await failpoint("consumer.after_commit")

    async def _dispatch(self, unit: UnitOfWork, events: Sequence[Envelope], new: set[str]) -> None:
        together: list[Envelope] = []
        for event in events:
            if event.id not in new:
                continue
            new.discard(event.id)  # an event that occurs twice in a batch is handled once
            handle = self._handlers.each.get(event.type)
            if handle is None:
                together.append(event)
                continue
            with tracing(event.trace.as_trace()):
                await handle(unit, event)
        if together and self._handlers.bulk is not None:
            with tracing(together[0].trace.as_trace()):
                await self._handlers.bulk(unit, together)

    async def _one(self, unit: UnitOfWork, event: Envelope, new: set[str], handle: Handle) -> None:
        if event.id in new:
            with tracing(event.trace.as_trace()):
                await handle(unit, event)

    def _failed(self, event: Envelope, error: Exception) -> Outcome:
        outcome, expected = outcome_of(error)
        with tracing(event.trace.as_trace()):
            if expected:
                self.log.info(
                    "{queue}: {type} {id}: {outcome}", queue=self._queue, type=event.type, id=event.id, outcome=outcome
                )
            else:
                self.log.failure("{queue}: {type} {id} failed", queue=self._queue, type=event.type, id=event.id)
        return outcome

    def _count(self, deliveries: Sequence[Delivery], outcomes: Sequence[Outcome], began: float) -> None:
        seconds = (self._parts.reactor.seconds() - began) / len(deliveries)
        for kind, name in ((Acked, "handled"), (Retried, "retried"), (Dropped, "dropped")):
            number = sum(isinstance(outcome, kind) for outcome in outcomes)
            if number:
                self._parts.metrics.handled(self._queue, name, seconds, number)

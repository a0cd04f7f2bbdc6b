"""The unit of work: one transaction, the events recorded in it, and its actions on commit. Routes, queue handlers,
periodic tasks and commands all open one in the same way for changes that others must be told of: :func:`change`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import attrs
from twisted.logger import Logger

from harvestd.kernel.events import Event
from harvestd.kernel.families import families_of, merged
from harvestd.parts import Parts
from harvestd.runtime.tracing import Trace
from harvestd.store import outbox
from harvestd.store.postgres.database import ATTEMPTS
from harvestd.store.postgres.transactions import Transaction

Result = TypeVar("Result")
log = Logger()


@attrs.frozen(eq=False)
class UnitOfWork:
    """All changes through ``tx`` are committed together, or not at all; the work may be retried from its beginning, so
    it must not change anything else that cannot be repeated. ``now`` is one moment for all of it, by the market's clock."""

    parts: Parts
    tx: Transaction
    now: datetime
    _after: list[Callable[[], Awaitable[None] | None]] = attrs.field(factory=list)

    @property
    def machine_now(self) -> datetime:
        """The same moment by the machine's clock."""
        return self.now - self.parts.ahead()

    def new_id(self) -> str:
        """A fresh UUIDv7."""
        return self.parts.new_id()

    def record(self, *events: Event) -> None:
        """Publish these to the queues, once committed; under the current trace. Raises ``ValueError`` for an event that
        the subject of its type does not allow (``tables.TOPOLOGY``)."""
        outbox.record(self.tx, events, self.parts.topology, self.parts.new_id, self.machine_now)

    def record_for(self, traced: Sequence[tuple[Trace, Sequence[Event]]]) -> None:
        """The same for several who share the transaction, each under their own trace."""
        events = [event for _, own in traced for event in own]
        traces = [trace for trace, own in traced for _ in own]
        outbox.record(self.tx, events, self.parts.topology, self.parts.new_id, self.machine_now, traces)

    async def tell(self, happening: Any) -> None:
        """Call the listeners now, in this transaction: code of later subjects, by the type of ``happening`` (``tables.LISTENERS``)."""
        for listener in self.parts.listeners.get(type(happening), ()):
            await listener(self, happening)

    def on_commit(self, action: Callable[[], Awaitable[None] | None]) -> None:
        """Do it once this is committed, in this process, before :func:`change` returns. An exception is logged; the
        action may be lost with the process: use an event for one that must not be."""
        self._after.append(action)


async def change(
    parts: Parts, work: Callable[[UnitOfWork], Awaitable[Result]], *, now: datetime | None = None, by_keys: bool = True,
    attempts: int = ATTEMPTS,
) -> Result:  # fmt: skip
    """Run ``work`` in a transaction (with retries), and follow up the commit of the successful run: wake the relay,
    drop stale entries from this process's cache (others hear of them from the queue), then run the actions of
    ``on_commit``. ``by_keys`` and ``attempts`` as for :meth:`Database.transaction`: changes find a few rows by their keys, so
    that is the default."""
    moment = parts.now() if now is None else now

    async def kept(tx: Transaction) -> tuple[Result, UnitOfWork]:
        unit = UnitOfWork(parts, tx, moment)
        return await work(unit), unit

    result, unit = await parts.database.transaction(kept, by_keys=by_keys, attempts=attempts)
    if unit.tx.events:
        parts.wake_relay()
        parts.committed(unit.tx.events)
        families = merged(families_of(event) for event in unit.tx.events)
        if families:
            parts.cache.drop_here(families)
    for action in unit._after:
        try:
            following = action()
            if following is not None:
                await following
        except Exception:
            log.failure("what was to follow a commit failed; the commit stands")
    return result

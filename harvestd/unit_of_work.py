"""The unit of work: one transaction, the events recorded in it, and what follows its commit. Routes, queues' handlers, periodic work and
commands open one, in one way, for whatever others have to be told of: :func:`change`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar

import attrs
from twisted.logger import Logger

from harvestd.kernel.events import Event
from harvestd.kernel.families import families_of, merged
from harvestd.parts import Parts
from harvestd.store import outbox
from harvestd.store.postgres.database import Transaction

Result = TypeVar("Result")
log = Logger()


@attrs.frozen(eq=False)
class UnitOfWork:
    """What is changed through ``tx`` is committed with all else of it, or not at all; the work may run again from its beginning, so it
    changes nothing else that cannot be repeated. ``now`` is one moment for all of it."""

    parts: Parts
    tx: Transaction
    now: datetime
    _after: list[Callable[[], Awaitable[None] | None]] = attrs.field(factory=list)

    def new_id(self) -> str:
        """A fresh UUIDv7."""
        return self.parts.new_id()

    def record(self, *events: Event) -> None:
        """Have the queues told, once it is committed; under the trace of now. Raises ``ValueError`` for what is not as the
        subject that has the type says (``tables.TOPOLOGY``)."""
        outbox.record(self.tx, events, self.parts.topology, self.parts.new_id, self.now)

    async def tell(self, happening: Any) -> None:
        """Have what has to happen with it happen now, in this transaction: what subjects further down the order do of their own, by the
        type of ``happening`` (``tables.LISTENERS``)."""
        for listener in self.parts.listeners.get(type(happening), ()):
            await listener(self, happening)

    def on_commit(self, action: Callable[[], Awaitable[None] | None]) -> None:
        """Do it once this is committed, in this process, before whoever asked for it goes on. What it raises is logged; it
        may be lost with the process: what must not be is an event."""
        self._after.append(action)


async def change(
    parts: Parts, work: Callable[[UnitOfWork], Awaitable[Result]], *, now: datetime | None = None, by_keys: bool = True
) -> Result:
    """Run ``work`` in a transaction (again, if it must be), and see to what follows the commit of the run that was kept: the relay is
    woken, what became stale leaves this process's cache (others hear of it from the queue), then what was to be done
    ``on_commit``. ``by_keys`` as :meth:`Database.transaction` has it: changes find a few rows by their keys, so it is
    how they are done unless they say otherwise."""
    moment = parts.now() if now is None else now

    async def kept(tx: Transaction) -> tuple[Result, UnitOfWork]:
        unit = UnitOfWork(parts, tx, moment)
        return await work(unit), unit

    result, unit = await parts.database.transaction(kept, by_keys=by_keys)
    if unit.tx.events:
        parts.wake_relay()
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

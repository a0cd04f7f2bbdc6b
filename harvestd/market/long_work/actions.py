"""Beginning, cancelling and forgetting long work, and writing the file that it makes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from harvestd.kernel.errors import Conflict, Forbidden, NotFound
from harvestd.kernel.permissions import may
from harvestd.market.long_work import rows
from harvestd.market.long_work.kinds import LongWork, Operation
from harvestd.settings.table import Settings
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.context import Caller

#: The periodic task that does the steps.
TASK = "operations"
#: Bytes of a piece of a file; and of a whole one, which is answered from memory.
PIECE, MAX_FILE = 256 * 1024, 32 * 1024 * 1024


async def begin(
    unit: UnitOfWork, caller: Caller, kind: str, given: Mapping[str, Any] | None = None, total: int | None = None
) -> tuple[Operation, bool]:
    """Begin a piece of long work for the caller, whose row is locked if it is of a kind of which they have one at a time; returns it, and
    whether it is new: of such a kind the one that goes on already is returned instead. Raises ``Forbidden``."""
    work: LongWork = unit.parts.long_work[kind]
    if not may(caller.role, work.permission):
        raise Forbidden("your role does not allow this work")
    user_id = caller.user_id
    made = await rows.begin(unit.tx, unit.new_id(), kind, user_id, given or {}, total, work.alone, unit.machine_now)
    found = made or await rows.going_on(unit.tx, user_id, kind)
    assert found is not None, "the row of its owner is locked, so it cannot be over by now"
    unit.on_commit(lambda: unit.parts.due(TASK))
    return found, made is not None


async def cancel(unit: UnitOfWork, id: str) -> None:
    """Cancel an operation; of one that was cancelled before, nothing. Raises ``NotFound``, and ``Conflict`` if it is over."""
    if await rows.cancel(unit.tx, id, unit.machine_now):
        return
    found = await rows.one(unit.tx, id)
    if found is None:
        raise NotFound("there is no such operation")
    if found.status != "cancelled":
        raise Conflict("this operation is over; it cannot be cancelled any more")


async def append(unit: UnitOfWork, operation: Operation, content: bytes) -> None:
    """Add to the end of an operation's file. Raises ``Conflict`` if that would have more than :data:`MAX_FILE` bytes."""
    if await rows.size(unit.tx, operation.id) + len(content) > MAX_FILE:
        raise Conflict("the file of this operation would be too large; ask the market's staff for it")
    pieces = [content[at : at + PIECE] for at in range(0, len(content), PIECE)]
    if pieces:
        await rows.append(unit.tx, operation.id, pieces)


def kept_until(settings: Settings, operation: Operation) -> datetime | None:
    """When an operation that is over is deleted, with its file; None while it goes on."""
    kept = timedelta(seconds=settings.operations_keep)
    return None if operation.finished_at is None else operation.finished_at + kept


def is_kept(settings: Settings, operation: Operation, now: datetime) -> bool:
    """Whether it is still to be shown; it is swept a little later than it ends."""
    until = kept_until(settings, operation)
    return until is None or now < until

"""The worker of long work: claims the operation whose step is due first, and does that step in one unit of work with its progress.

A claim is a lease: a worker that died is taken over from when that ends, with the step that it had begun, of which nothing was kept. One
that was only frozen finds its claim gone, and what it did is undone with its transaction. So each step takes effect once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from twisted.logger import Logger

from harvestd.kernel.errors import FieldError, MarketError, Unavailable
from harvestd.market.long_work import actions, rows
from harvestd.market.long_work.kinds import LongWork, Operation, Step
from harvestd.market.long_work.rules import exhausted, pause
from harvestd.parts import Parts
from harvestd.runtime.failpoints import failpoint
from harvestd.store.leases import GoingOn, Lost, always
from harvestd.unit_of_work import UnitOfWork, change

log = Logger()
#: How long a claim is good, in units of ``work_lease``: longer than any statement of a step may take.
CLAIM = 5
_GIVEN_UP = FieldError("", "came to an end by an error of the server, which is in its log", code="failed")


async def run(parts: Parts, going_on: GoingOn = always) -> None:
    """Do steps, each time that of the operation which has waited longest, until none is due."""
    while await going_on():
        claimed = await change(parts, _claim)
        if claimed is None:
            return
        try:
            await _tried(parts, claimed)
        except Lost:
            log.info("an operation was cancelled, or taken over, during a step", operation=claimed.id)


async def _claim(unit: UnitOfWork) -> Operation | None:
    until = unit.machine_now + timedelta(seconds=CLAIM * unit.parts.settings.work_lease)
    return await rows.claim(unit.tx, unit.machine_now, until)


async def _tried(parts: Parts, claimed: Operation) -> None:
    kind: LongWork | None = parts.long_work.get(claimed.kind)
    if kind is None or exhausted(claimed.tries):
        log.error("gave an operation up", operation=claimed.id, kind=claimed.kind, tries=claimed.tries)
        await _failed(parts, claimed, (_GIVEN_UP,))
        return
    try:
        await change(parts, lambda unit: _step(unit, kind, claimed))
    except (Lost, Unavailable):
        raise
    except MarketError as refused:
        await _failed(
            parts,
            claimed,
            refused.errors
            or (FieldError("", refused.detail or "this is not possible at the moment", code="not-accepted"),),
        )
    except Exception:
        log.failure("a step of an operation failed", operation=claimed.id, kind=claimed.kind, tries=claimed.tries)
        await _again(parts, claimed)


async def _step(unit: UnitOfWork, kind: LongWork, claimed: Operation) -> None:
    step = await kind.step(unit, claimed)
    await failpoint("operation.before_kept")
    if step.state is not None:
        kept = await rows.advance(unit.tx, claimed, step.done, step.total, step.state, unit.machine_now)
    else:
        result = await _result(unit, kind, claimed, step)
        kept = await rows.finish(
            unit.tx, claimed, "succeeded", unit.machine_now, done=step.done, total=step.total, result=result
        )
    if not kept:
        raise Lost(f"operation {claimed.id} is another's, or was cancelled")


async def _result(unit: UnitOfWork, kind: LongWork, claimed: Operation, step: Step) -> Mapping[str, Any]:
    if kind.file is None:
        return step.result
    link = {"file": f"/api/operations/{claimed.id}/file", "size": await rows.size(unit.tx, claimed.id)}
    kept = timedelta(seconds=unit.parts.settings.operations_keep)
    return {**step.result, **link, "media_type": kind.file.media_type, "expires_at": unit.machine_now + kept}


async def _again(parts: Parts, claimed: Operation) -> None:
    seconds = pause(claimed.tries)
    if seconds is None:
        await _failed(parts, claimed, (_GIVEN_UP,))
        return

    async def later(unit: UnitOfWork) -> None:
        await rows.postpone(unit.tx, claimed, unit.machine_now + timedelta(seconds=seconds))

    await change(parts, later)


async def _failed(parts: Parts, claimed: Operation, errors: tuple[FieldError, ...]) -> None:
    told = [{"field": e.field, "code": e.code, "message": e.message, "params": dict(e.params)} for e in errors]

    async def end(unit: UnitOfWork) -> None:
        await rows.finish(
            unit.tx, claimed, "failed", unit.machine_now, done=claimed.done, total=claimed.total, errors=told
        )
        await rows.drop_file(unit.tx, claimed.id)

    await change(parts, end)
    parts.due(actions.TASK)

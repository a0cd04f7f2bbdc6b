"""The clock of a sandbox, for admins."""

from __future__ import annotations

import msgspec

from harvestd.market.accounts import audit
from harvestd.market.days import clock_actions as actions
from harvestd.market.days.clock_shapes import ClockMoved, Happened, MoveClock
from harvestd.unit_of_work import UnitOfWork, change
from harvestd.web.context import RequestContext


async def move(request: RequestContext, body: MoveClock) -> ClockMoved:
    """Move the market's time forward."""
    moved = await actions.move(request.parts, body.to)
    was, now = msgspec.to_builtins([moved.before, moved.now])

    async def note(unit: UnitOfWork) -> None:
        await audit.note(request, unit, "clock.moved", None, "market:clock", {"now": was}, {"now": now})

    await change(request.parts, note)
    return ClockMoved(
        from_=moved.before, now=moved.now, reached=moved.reached, more=moved.count > len(moved.happened),
        happened=[Happened(type=one.type, at=one.at, about=one.about) for one in moved.happened],
    )  # fmt: skip

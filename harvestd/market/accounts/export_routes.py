"""Everything held on a person: at once, or as an operation that makes a file."""

from __future__ import annotations

import msgspec

from harvestd.market.accounts import audit, confirming
from harvestd.market.accounts import export_actions as actions
from harvestd.market.long_work.showing import accepted
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.context import RequestContext, Result


async def export(request: RequestContext) -> Result:
    """Everything held on the caller."""
    confirming.check_oneself(request)
    user_id = request.user.user_id

    async def work(unit: UnitOfWork) -> bytes:
        return msgspec.json.encode(await actions.exported(unit, user_id))

    headers = (("Content-Disposition", 'attachment; filename="account.json"'),)
    return Result(await request.write(work), headers=headers)


async def begin(request: RequestContext) -> Result:
    """Have everything held on the caller written to a file; one at a time."""
    confirming.check_oneself(request)
    operation, new = await actions.begin(request.work, request.user)
    if new:
        about = f"operation:{operation.id}"
        await audit.note(request, request.work, "account.export_begun", request.user.user_id, about)
    return accepted(request, operation)

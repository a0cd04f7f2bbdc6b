"""Everything held on a person, and the end of their account."""

from __future__ import annotations

import msgspec

from harvestd.market.accounts import audit, confirming
from harvestd.market.accounts import closing_actions as actions
from harvestd.unit_of_work import UnitOfWork
from harvestd.web import session_cookie
from harvestd.web.context import RequestContext, Result


async def export(request: RequestContext) -> Result:
    """Everything held on the caller."""
    confirming.check_oneself(request)
    user_id = request.user.user_id

    async def work(unit: UnitOfWork) -> bytes:
        return msgspec.json.encode(await actions.exported(unit, user_id))

    headers = (("Content-Disposition", 'attachment; filename="account.json"'),)
    return Result(await request.write(work), headers=headers)


async def close(request: RequestContext) -> Result:
    """Close the caller's account for good."""
    await confirming.check(request)
    await actions.close(request.work, request.user.user_id)
    await audit.note(request, request.work, "account.closed", request.user.user_id)
    cookie = (session_cookie.set_cookie(request.parts.settings, "", 0),) if request.user.by_cookie else ()
    return Result(None, status=204, headers=cookie)

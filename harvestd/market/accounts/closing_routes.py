"""The end of an account."""

from __future__ import annotations

from harvestd.market.accounts import audit, confirming
from harvestd.market.accounts import closing_actions as actions
from harvestd.web import session_cookie
from harvestd.web.context import RequestContext, Result


async def close(request: RequestContext) -> Result:
    """Close the caller's account for good."""
    await confirming.check(request)
    await actions.close(request.work, request.user.user_id)
    await audit.note(request, request.work, "account.closed", request.user.user_id)
    cookie = (session_cookie.set_cookie(request.parts.settings, "", 0),) if request.user.by_cookie else ()
    return Result(None, status=204, headers=cookie)

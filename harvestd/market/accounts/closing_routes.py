"""The end of an account, and its rest."""

from __future__ import annotations

from harvestd.market.accounts import audit, confirming
from harvestd.market.accounts import closing_actions as actions
from harvestd.market.accounts import deactivation_actions as deactivation
from harvestd.web import session_cookie
from harvestd.web.context import RequestContext, Result


async def close(request: RequestContext) -> Result:
    """Close the caller's account for good."""
    await confirming.check(request)
    await actions.close(request.work, request.user.user_id)
    await audit.note(request, request.work, "account.closed", request.user.user_id)
    return _signed_out(request)


async def deactivate(request: RequestContext) -> Result:
    """Put the caller's account to rest."""
    await confirming.check(request)
    await deactivation.deactivate(request.work, request.user.user_id)
    await audit.note(request, request.work, "account.deactivated", request.user.user_id)
    return _signed_out(request)


def _signed_out(request: RequestContext) -> Result:
    cookie = (session_cookie.set_cookie(request.parts.settings, "", 0),) if request.user.by_cookie else ()
    return Result(None, status=204, headers=cookie)

"""Step-up: what changes who can get at an account needs a sign-in, or a confirmation of it, of the last five minutes."""

from __future__ import annotations

from datetime import timedelta

from harvestd.kernel.errors import Forbidden, NotConfirmed
from harvestd.market.accounts import sign_in_rows
from harvestd.web.context import RequestContext

LATELY = timedelta(minutes=5)


def check_oneself(request: RequestContext) -> None:
    """Raise ``Forbidden`` if somebody acts for the account."""
    if request.user.actor:
        raise Forbidden("this is not possible while acting for somebody")


async def check(request: RequestContext) -> None:
    """Raise ``NotConfirmed`` unless the caller lately gave a credential."""
    caller = request.user
    check_oneself(request)
    if not await sign_in_rows.confirmed(request.reader, caller.session, caller.user_id, request.now - LATELY):
        raise NotConfirmed

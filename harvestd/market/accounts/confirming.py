"""Step-up: what changes who can get at an account needs a sign-in, or a confirmation of it, of the last five minutes."""

from __future__ import annotations

from datetime import timedelta

from harvestd.kernel.errors import NotConfirmed
from harvestd.market.accounts import sign_in_rows
from harvestd.web.context import RequestContext

LATELY = timedelta(minutes=5)


async def check(request: RequestContext) -> None:
    """Raise ``NotConfirmed`` unless the caller lately gave a credential."""
    caller = request.user
    if not await sign_in_rows.confirmed(request.reader, caller.session, caller.user_id, request.now - LATELY):
        raise NotConfirmed

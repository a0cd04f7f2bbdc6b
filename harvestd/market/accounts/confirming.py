"""Step-up: what changes who can get at an account needs a sign-in, or a confirmation of it, of the last five minutes."""

from __future__ import annotations

from datetime import timedelta

from harvestd.kernel.errors import Forbidden, NotConfirmed
from harvestd.kernel.permissions import may
from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts import sign_in_rows
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.context import RequestContext

LATELY = timedelta(minutes=5)


def check_oneself(request: RequestContext) -> None:
    """Raise ``Forbidden`` if somebody acts for the account."""
    if request.user.actor:
        raise Forbidden("this is not possible while acting for somebody")


async def check(request: RequestContext, unit: UnitOfWork | None = None) -> None:
    """Raise ``NotConfirmed`` unless the caller lately gave a credential. In a unit of work (the request's, or ``unit``) the account is locked
    first: a new password that was set meanwhile has ended the sign-in by then, and what follows here is not done. Nor is it for whoever has lost
    the role for it meanwhile: ``Forbidden``."""
    caller, unit = request.user, unit or request.unit
    check_oneself(request)
    if unit is not None:
        role, needed = await accounts.lock(unit.tx, caller.user_id), request.route.permission
        if needed is not None and not may(role, needed):
            raise Forbidden("your account has another role by now, which does not allow this")
    reader = request.reader if unit is None else unit.tx
    if not await sign_in_rows.confirmed(reader, caller.session, caller.user_id, request.machine_now - LATELY):
        raise NotConfirmed

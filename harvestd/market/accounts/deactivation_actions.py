"""An account that its owner puts to rest: nobody can use or see it, all of it is kept, and its owner opens it again by signing in.

One that the staff have closed is no such account, whoever closed it first: only they open it.
"""

from __future__ import annotations

import msgspec

from harvestd.kernel.errors import ClosedByStaff, Deactivated
from harvestd.market.accounts import actions, closing_actions, closing_rows, key_rows
from harvestd.market.accounts import recovery_rows as tokens
from harvestd.market.accounts import rows as accounts
from harvestd.market.accounts.rows import User
from harvestd.unit_of_work import UnitOfWork


async def deactivate(unit: UnitOfWork, user_id: str) -> None:
    """Put an account to rest: its sign-ins, API keys, mailed secrets and invitations end. Raises ``Conflict`` as closing it does."""
    await closing_actions.leaving(unit, user_id)
    await unit.tell(actions.Demoted(user_id, active=False))
    await tokens.revoke(unit.tx, user_id, unit.machine_now)
    await key_rows.end_all(unit.tx, user_id, unit.machine_now)
    await actions.end_all(unit, user_id)
    await closing_rows.deactivate(unit.tx, user_id, unit.machine_now)


def check(user: User, reactivate: bool) -> None:
    """Raise ``Deactivated`` for an account at rest that is not to be opened, ``ClosedByStaff`` for one that its owner cannot open."""
    if not user.active and not user.deactivated:
        raise ClosedByStaff(
            "you are known here, and the market's staff have closed your account; if you think that this is a mistake, write to them"
        )
    if user.deactivated and not reactivate:
        raise Deactivated(
            "you are known here, and your account is deactivated; sign in once more, and have it opened again"
        )


async def reopen(unit: UnitOfWork, user: User, reactivate: bool) -> User:
    """Open the account of somebody who signs in, if it is at rest; returns it as it was, ``deactivated`` if this has opened it and not another
    tab. Its credentials are checked before this, or in the same transaction. Raises ``Deactivated`` if it is not to be opened, ``ClosedByStaff``, and ``Unauthenticated`` if they have closed it meanwhile."""
    check(user, reactivate)
    if not user.deactivated:
        return user
    if await closing_rows.reopen(unit.tx, user.id, unit.machine_now):
        await unit.tell(actions.Opened(user.id))
        actions.ended(unit, user.id)
        return user
    await accounts.lock(unit.tx, user.id)  # raises, unless it was opened in another tab meanwhile
    return msgspec.structs.replace(user, deactivated=False)

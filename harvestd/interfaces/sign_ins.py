"""Active sign-ins, and their roles."""

from __future__ import annotations

import attrs
from zope.interface import Interface


@attrs.frozen
class Account:
    """What decides what an account may do: its role, and whether it has a second factor that counts."""

    role: str
    second_factor: bool = False


class ISignIns(Interface):
    """Active sign-ins. An access token is valid only as long as its sign-in, in every process; and its bearer has the account's
    current permissions."""

    async def account(user_id: str, session: str) -> Account | None:
        """The user's account, if the sign-in ``session`` is the user's and active; else None. Raises ``Unavailable`` if that cannot
        be determined."""

    async def ended(user_id: str) -> None:
        """One or all of the user's sign-ins ended: call it after the commit. Every process rechecks within a second. Never raises.
        (A changed role, a first or no longer any second factor, and a closed account are notified by the database itself.)"""

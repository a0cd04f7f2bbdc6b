"""Active sign-ins, and their roles."""

from __future__ import annotations

from zope.interface import Interface


class ISignIns(Interface):
    """Active sign-ins. An access token is valid only as long as its sign-in, in every process; and its bearer has the account's
    current permissions."""

    async def role(user_id: str, session: str) -> str | None:
        """The user's role, if the sign-in ``session`` is the user's and active; else None. Raises ``Unavailable`` if that cannot
        be determined."""

    async def ended(user_id: str) -> None:
        """One or all of the user's sign-ins ended: call it after the commit. Every process rechecks within a second. Never raises.
        (A changed role or a closed account is notified by the database itself.)"""

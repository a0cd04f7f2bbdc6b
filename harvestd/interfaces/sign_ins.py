"""Sign-ins that hold, and in which role."""

from __future__ import annotations

from zope.interface import Interface


class ISignIns(Interface):
    """Which sign-ins hold. An access token is worth something for as long as its sign-in is, in every process; and what its
    bearer may do is what the account may do now."""

    async def role(user_id: str, session: str) -> str | None:
        """The role of the user, if the sign-in ``session`` is the user's and holds; else None. Raises ``Unavailable`` when
        nobody can tell."""

    async def ended(user_id: str) -> None:
        """One of the user's sign-ins ended, or all: called after the commit that says so. Every process asks anew within
        a second. Never raises. (Of a role that changed, or a closed account, the database itself tells.)"""

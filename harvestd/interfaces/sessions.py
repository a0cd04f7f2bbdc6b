"""Sign-ins that hold."""

from __future__ import annotations

from zope.interface import Interface


class ISessions(Interface):
    """Which sign-ins hold. An access token is worth something for as long as its sign-in is, in every process."""

    async def alive(user_id: str, session: str) -> bool:
        """Whether the user's sign-in ``session`` holds. Raises ``Unavailable`` when nobody can tell."""

    async def ended(user_id: str) -> None:
        """One of the user's sign-ins ended, or all: called after the commit that says so. Every process asks anew within
        a second. Never raises."""

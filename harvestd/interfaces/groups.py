"""Who is in which buyer group."""

from __future__ import annotations

from zope.interface import Interface


class IGroups(Interface):
    """The groups that people are in. A change is known in every process within a second: the database notifies at the commit."""

    async def of(user_id: str) -> frozenset[str]:
        """The ids of the groups that the user is in. Raises ``Unavailable`` if that cannot be determined."""

    def changed(user_id: str) -> None:
        """The user came into a group or left one: call it after the commit, for this process. Never raises."""

    def gone(group_id: str) -> None:
        """There is no such group any more: the same."""

"""API keys, with which integrations act for their owners."""

from __future__ import annotations

import attrs
from zope.interface import Interface

from harvestd.kernel.permissions import Permission


@attrs.frozen
class ApiKey:
    """A key that is good: whose it is, the ``role`` of its owner's account now, and what it may do of what they may. ``second_factor`` is whether
    that account has one that counts."""

    id: str
    user_id: str
    role: str
    scopes: frozenset[Permission]
    second_factor: bool = False


class IApiKeys(Interface):
    """The keys that are good. One that ends, or whose owner's role changes, is known in every process within a second."""

    async def find(secret: str) -> ApiKey | None:
        """The key with this secret; None if it is not, or no longer, good. Raises ``Unavailable`` if that cannot be determined."""

    async def ended(user_id: str) -> None:
        """A key or sign-in of the user ended, or their role changed: call it after the commit. Never raises."""

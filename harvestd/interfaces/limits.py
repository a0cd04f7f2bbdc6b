"""Rate limits."""

from __future__ import annotations

import attrs
from zope.interface import Attribute, Interface


@attrs.frozen
class Allowance:
    """The result of a limiter: ``remaining`` requests now, ``reset`` seconds until the full quota is available again,
    ``retry_after`` seconds until the next one is allowed (0 if this one is)."""

    allowed: bool
    remaining: int
    reset: float
    retry_after: float


class ILimiter(Interface):
    """Rate limits by the generic cell rate algorithm (GCRA): ``limit`` requests in ``period`` seconds, spread or in one burst."""

    async def hit(key: str, limit: int, period: float) -> Allowance:
        """Count one request. Never raises."""

    at_hand: bool = Attribute("Whether :meth:`hit_now` answers.")

    def hit_now(key: str, limit: int, period: float) -> Allowance | None:
        """:meth:`hit`, synchronously; None, with nothing counted, if that is not possible."""

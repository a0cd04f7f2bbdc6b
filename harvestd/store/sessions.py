"""Sign-ins as PostgreSQL has them: families of refresh tokens.

A sign-in holds while its latest refresh token, the one that nobody used yet, is neither revoked nor expired, and the
account is active.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from harvestd.store.database import Reader, Statement, scalar

#: Sign-ins that are answered of a user who has more: the one that was asked for, and the newest.
MOST = 50

LIVE = Statement(
    "sessions.live",
    f"""select t.family_id::text from refresh_tokens t join users u on u.id = t.user_id
        where t.user_id = $1 and u.active and t.used_at is null and t.revoked_at is null and t.expires_at > $3
        order by t.family_id = $2 desc, t.family_id desc limit {MOST}""",
    scalar,
)


class SessionSource(Protocol):
    """Where :class:`~harvestd.store.near_sessions.NearSessions` asks for what it does not know."""

    async def live(self, user_id: str, session: str) -> frozenset[str]:
        """The user's sign-ins that hold, among them ``session`` if it does. Raises ``Unavailable``."""

    async def forget(self, user_id: str) -> None:
        """Some of them ended: what is remembered of the user is not to be believed any more. Never raises."""


class PostgresSessions:
    """The authority: asks ``primary``, since a replica may not have heard of a sign-out."""

    def __init__(self, primary: Reader, now: Callable[[], datetime]) -> None:
        self._primary = primary
        self._now = now

    async def live(self, user_id: str, session: str) -> frozenset[str]:
        """One statement, whatever the answer; both are UUIDs."""
        return frozenset(await self._primary.rows(LIVE, user_id, session, self._now()))

    async def forget(self, user_id: str) -> None:
        """It remembers nothing."""

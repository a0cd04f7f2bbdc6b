"""The tokens of families in Redis: dropping a family deletes its token, and a drop that did not reach Redis is made up for.

``cache.py`` says what they are for.
"""

from __future__ import annotations

from collections.abc import Sequence

from harvestd.store.cache.invalidations import family_name
from harvestd.store.redis.client import Call, RedisClient, RedisUnavailable

#: Limit of dropped families remembered while Redis is away; beyond it, everything counts as dropped.
REMEMBERED = 1_000


class FamilyTokens:
    """On ``link``, which is started before it is used."""

    def __init__(self, link: RedisClient) -> None:
        self._link = link
        #: Families whose drop did not reach Redis; None stands for everything.
        self.missed: set[str | None] = set()
        link.on_return(self._returned)

    @property
    def epoch(self) -> str:
        """The key of the token of all families together."""
        return self._link.key(f"cache:epoch:{self._link.run_id}")

    def of(self, family: str) -> str:
        """The key of a family's token."""
        return self._link.key(f"family:{family}")

    async def delete(self, families: Sequence[str]) -> bool:
        """Drop them, or everything; returns whether that reached Redis. If not, it is remembered, and Redis is not used until that is made up for."""
        names: set[str | None] = {family_name(name) for name in families} or {None}
        try:
            await self._link.call("DEL", *self._keys(names))
        except RedisUnavailable as error:
            self._remember(names)
            if self._link.available:
                self._link.breaker.open(f"what became stale could not be dropped: {error}")
            return False
        return True

    def _remember(self, names: set[str | None]) -> None:
        self.missed |= names
        if len(self.missed) > REMEMBERED:
            self.missed = {None}

    async def _returned(self, call: Call) -> None:
        """Make up for missed drops, before Redis is used again."""
        missed, self.missed = self.missed, set()
        if not self._link.run_id:  # whether this is another run is unknown
            missed.add(None)
        if missed:
            try:
                await call("DEL", *self._keys(missed))
            except BaseException:
                self._remember(missed)
                raise

    def usable(self) -> bool:
        """Whether Redis is to be used: it is available, and no drop is missing there."""
        if self.missed and self._link.available:  # missed during the catch-up after a reconnect
            self._link.breaker.open("what became stale could not be dropped")
        return self._link.available

    def _keys(self, names: set[str | None]) -> list[str]:
        return [self.epoch] if None in names else [self.of(name) for name in names if name is not None]

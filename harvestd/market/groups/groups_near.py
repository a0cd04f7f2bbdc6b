"""This process's in-memory cache of who is in which group, so that a request which asks normally costs no statement."""

from __future__ import annotations

from functools import partial
from typing import Any

from zope.interface import implementer

from harvestd.interfaces import IGroups, ITopics
from harvestd.market.accounts.sign_ins_near import CHANNEL, user_of
from harvestd.market.groups import member_rows as rows
from harvestd.store.cache.remembered import Remembered
from harvestd.store.postgres.statements import Reader

#: The topic of groups that are gone; its payload is the id (store/schema/053_groups_gone.sql).
GONE = "groups:gone"


@implementer(IGroups)
class NearGroups:
    """``primary`` is queried on a cache miss; ``most`` users are cached, each for ``ttl`` seconds."""

    def __init__(self, clock: Any, topics: ITopics, primary: Reader, most: int = 10_000, ttl: float = 30.0) -> None:
        self._primary = primary
        channels = {CHANNEL: self._receive, GONE: self.gone}
        self._known: Remembered[str, frozenset[str]] = Remembered(clock, topics, channels, ttl, most)
        self.start, self.stop = self._known.start, self._known.stop

    async def of(self, user_id: str) -> frozenset[str]:
        """The ids of the groups that the user is in."""
        return await self._known.get(user_id, partial(rows.groups_of, self._primary, user_id))

    def changed(self, user_id: str) -> None:
        """Forget the user's groups here."""
        self._known.forget(user_id)

    def gone(self, group_id: str) -> None:
        """Forget the groups of whoever was in a group that is gone."""
        self._known.forget_where(lambda groups: group_id in groups)

    def _receive(self, payload: str) -> None:
        user_id = user_of(payload)
        if user_id is not None:
            self.changed(user_id)

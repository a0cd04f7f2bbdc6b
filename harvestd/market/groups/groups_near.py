"""This process's in-memory cache of who is in which group, so that a request which asks normally costs no statement.

An entry is valid for ``ttl`` seconds, or until topic ``sessions:ended`` says that something of the user changed, ``groups:gone`` that a group is
gone, or either that messages may have been missed. An answer requested before that is not cached.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from zope.interface import implementer

from harvestd.interfaces import IGroups, ITopics
from harvestd.market.accounts.sign_ins_near import CHANNEL, user_of
from harvestd.market.groups import member_rows as rows
from harvestd.store.postgres.statements import Reader

#: The topic of groups that are gone; its payload is the id (store/schema/053_groups_gone.sql).
GONE = "groups:gone"


@implementer(IGroups)
class NearGroups:
    """``primary`` is queried on a cache miss; ``most`` users are cached, each for ``ttl`` seconds."""

    def __init__(self, clock: Any, topics: ITopics, primary: Reader, most: int = 10_000, ttl: float = 30.0) -> None:
        self._seconds: Callable[[], float] = clock.seconds
        self._topics = topics
        self._primary = primary
        self._most = most
        self._ttl = ttl
        self._known: OrderedDict[str, tuple[frozenset[str], float]] = OrderedDict()
        self._dropped = 0
        self._subscriptions: list[Callable[[], None]] = []

    def start(self) -> None:
        """Subscribe to what changes in other processes."""
        for channel, receive in ((CHANNEL, self._receive), (GONE, self.gone)):
            self._subscriptions.append(self._topics.subscribe(channel, receive, self._gap))

    def stop(self) -> None:
        """Unsubscribe, and clear the cache."""
        while self._subscriptions:
            self._subscriptions.pop()()
        self._gap()

    async def of(self, user_id: str) -> frozenset[str]:
        """The ids of the groups that the user is in."""
        known, until = self._known.get(user_id, (frozenset(), 0.0))
        if self._seconds() < until:
            self._known.move_to_end(user_id)
            return known
        before = self._dropped
        found = await rows.groups_of(self._primary, user_id)
        if self._dropped == before:
            self._known[user_id] = found, self._seconds() + self._ttl
            self._known.move_to_end(user_id)
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        return found

    def changed(self, user_id: str) -> None:
        """Forget the user's groups here."""
        self._dropped += 1
        self._known.pop(user_id, None)

    def gone(self, group_id: str) -> None:
        """Forget the groups of whoever was in a group that is gone."""
        self._dropped += 1
        for user_id in [one for one, (groups, _) in self._known.items() if group_id in groups]:
            del self._known[user_id]

    def _receive(self, payload: str) -> None:
        user_id = user_of(payload)
        if user_id is not None:
            self.changed(user_id)

    def _gap(self) -> None:
        self._dropped += 1
        self._known.clear()

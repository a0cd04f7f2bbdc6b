"""This process's in-memory copy of the rules for searches, so that a search normally costs no statement for them. Cached responses of
searches go with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zope.interface import implementer

from harvestd.interfaces import ICache, ISearchRules, ITopics, Rules
from harvestd.kernel.families import RULES
from harvestd.market.search import rule_rows as rows
from harvestd.market.search.matching_rules import Book
from harvestd.store.cache.remembered import Remembered
from harvestd.store.postgres.statements import Reader

CHANNEL = "search:rules"


@implementer(ISearchRules)
class NearRules:
    """``primary`` is queried when there is no valid copy."""

    def __init__(self, clock: Any, topics: ITopics, primary: Reader, cache: ICache, ttl: float = 30.0) -> None:
        self._primary = primary
        self._cache = cache
        self._all: Remembered[None, Book] = Remembered(clock, topics, {CHANNEL: lambda payload: self.changed()}, ttl)
        self.start, self.stop = self._all.start, self._all.stop

    async def of(self, words: Sequence[str]) -> Rules:
        """What the rules say of a query with these words."""
        return (await self._all.get(None, self._book)).of(words)

    def changed(self) -> None:
        """Forget the rules here, and what was answered by them."""
        self._all.clear()
        self._cache.drop_here([RULES])

    async def _book(self) -> Book:
        return Book(await rows.told(self._primary))

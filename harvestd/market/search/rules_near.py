"""This process's in-memory copy of the rules for searches, so that a search normally costs no statement for them.

It is valid for ``ttl`` seconds, or until topic ``search:rules`` says that one changed (the database notifies at the commit), or that
messages may have been missed; cached responses of searches go with it. An answer requested before that is not kept. The message itself is
not trusted: it only makes this process query again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from zope.interface import implementer

from harvestd.interfaces import ICache, ISearchRules, ITopics, Rules
from harvestd.kernel.families import RULES
from harvestd.market.search import rule_rows as rows
from harvestd.market.search.matching_rules import Book
from harvestd.store.postgres.statements import Reader

CHANNEL = "search:rules"


@implementer(ISearchRules)
class NearRules:
    """``primary`` is queried when there is no valid copy."""

    def __init__(self, clock: Any, topics: ITopics, primary: Reader, cache: ICache, ttl: float = 30.0) -> None:
        self._seconds: Callable[[], float] = clock.seconds
        self._topics = topics
        self._primary = primary
        self._cache = cache
        self._ttl = ttl
        self._book: Book | None = None
        self._until = 0.0
        self._dropped = 0
        self._unsubscribe: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Subscribe to what changes in other processes."""
        self._unsubscribe = self._topics.subscribe(CHANNEL, lambda payload: self.changed(), self._forget)

    def stop(self) -> None:
        """Unsubscribe, and forget the rules."""
        self._unsubscribe()
        self._forget()

    async def of(self, words: Sequence[str]) -> Rules:
        """What the rules say of a query with these words."""
        book = self._book
        if book is None or self._seconds() >= self._until:
            before = self._dropped
            book = Book(await rows.told(self._primary))
            if self._dropped == before:
                self._book, self._until = book, self._seconds() + self._ttl
        return book.of(words)

    def changed(self) -> None:
        """Forget the rules here, and what was answered by them."""
        self._forget()
        self._cache.drop_here([RULES])

    def _forget(self) -> None:
        self._dropped += 1
        self._book = None

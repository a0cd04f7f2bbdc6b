"""The rules of the market's staff for searches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import attrs
from zope.interface import Interface

#: A way to say a part of a query: words, all of which are meant.
Phrase = tuple[str, ...]


@attrs.frozen
class Boost:
    """What counts ``factor`` times as much: documents with any of ``values`` (slugs, or tags) in ``field``."""

    field: Literal["category", "farm", "tag"]
    values: tuple[str, ...]
    factor: float


@attrs.frozen
class Rules:
    """What the market's staff says of one query. ``groups`` are its parts in order, each with all ways to say it, if any has several;
    ``pins`` the ids of the documents that come first when sorted by relevance, whether or not they have its words; those that have not are in no count,
    unless nothing else is found."""

    groups: tuple[tuple[Phrase, ...], ...] = ()
    pins: tuple[str, ...] = ()
    boosts: tuple[Boost, ...] = ()


NO_RULES = Rules()


class ISearchRules(Interface):
    """The rules of the market's staff for searches. A change is known in every process within a second: the database notifies at the
    commit."""

    async def of(words: Sequence[str]) -> Rules:
        """What they say of a query with these words. Raises ``Unavailable`` if that cannot be determined."""

    def changed() -> None:
        """Forget what they were in this process, after a change of them here."""

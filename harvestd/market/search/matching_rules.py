"""Which of the market's rules apply to a query, and what they make of it. Pure.

Queries are compared by their words, without regard to case, accents and the commonest plurals of English and French.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from harvestd.interfaces import Boost, Rules
from harvestd.interfaces.search_rules import Phrase
from harvestd.market.search.text import asked

#: Ways to say one part of a query, pins and boosts of one query: what is more is left out, so that no query grows without end.
MAX_WAYS, MAX_PINS, MAX_BOOSTS = 10, 20, 20
#: The endings of plurals, and those of their singulars; shorter words have none.
_PLURALS = (
    ("oes", "o"),
    ("ies", "y"),
    ("ches", "ch"),
    ("shes", "sh"),
    ("ss", "ss"),
    ("us", "us"),
    ("s", ""),
    ("eaux", "eau"),
    ("oux", "ou"),
)
SHORT = 3


@attrs.frozen
class Told:
    """A rule as it is applied: ``values`` are what a boost is about, in ``field`` of the documents."""

    kind: str
    queries: Sequence[str]
    means: Sequence[str] = ()
    pins: Sequence[str] = ()
    field: str = ""
    values: Sequence[str] = ()
    factor: float = 1.0


def key(words: Sequence[str]) -> Phrase:
    """What two queries have in common that mean the same."""
    return tuple(_singular(word) for word in words)


def _singular(word: str) -> str:
    for plural, singular in _PLURALS:
        if len(word) > SHORT and word.endswith(plural):
            return word[: len(word) - len(plural)] + singular
    return word


class Book:
    """The rules of a market, ready to be asked; the earlier of two comes first."""

    def __init__(self, rules: Iterable[Told]) -> None:
        self._ways: dict[Phrase, dict[Phrase, Phrase]] = {}
        self._pins: dict[Phrase, dict[str, None]] = {}
        self._boosts: dict[Phrase, list[Boost]] = {}
        for rule in rules:
            self._add(rule)
        self._longest = max(map(len, self._ways), default=0)

    def _add(self, rule: Told) -> None:
        queries = [tuple(asked(query)) for query in rule.queries]
        others = [tuple(asked(query)) for query in rule.means] or queries
        for query in filter(None, map(key, queries)):
            if rule.kind == "synonym":
                self._ways.setdefault(query, {}).update({key(other): other for other in others if other})
            elif rule.kind == "pin":
                self._pins.setdefault(query, {}).update(dict.fromkeys(rule.pins))
            elif rule.field in ("category", "farm", "tag") and rule.values:
                boost = Boost(rule.field, tuple(rule.values), rule.factor)  # type: ignore[arg-type]
                self._boosts.setdefault(query, []).append(boost)

    def of(self, words: Sequence[str]) -> Rules:
        """What they say of a query with these words."""
        whole = key(words)
        return Rules(
            self._groups(words),
            tuple(self._pins.get(whole, ()))[:MAX_PINS],
            tuple(self._boosts.get(whole, ()))[:MAX_BOOSTS],
        )

    def _groups(self, words: Sequence[str]) -> tuple[tuple[Phrase, ...], ...]:
        """The parts of the query, the longest that a rule knows first; none if no rule knows any."""
        groups: list[tuple[Phrase, ...]] = []
        place, known = 0, False
        while place < len(words):
            size, ways = self._at(words, place)
            own = tuple(words[place : place + size])
            others = [way for same, way in ways.items() if same != key(own)]
            groups.append((own, *others[: MAX_WAYS - 1]))
            known, place = known or bool(others), place + size
        return tuple(groups) if known else ()

    def _at(self, words: Sequence[str], place: int) -> tuple[int, dict[Phrase, Phrase]]:
        """How many of the words from a place on are one part, and the ways to say it by its key."""
        for size in range(min(self._longest, len(words) - place), 0, -1):
            ways = self._ways.get(key(words[place : place + size]))
            if ways is not None:
                return size, ways
        return 1, {}

"""Search cursors: where a page begins; a cursor is valid for its own query only, on either engine."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b
from uuid import UUID

import attrs
import msgspec

from harvestd.interfaces import Search
from harvestd.interfaces.search_rules import NO_RULES
from harvestd.kernel.cursors import decode, encode, refused


@attrs.frozen
class Place:
    """Where a page begins. ``as_of`` is the time of the first page's request, ``wide`` whether typo tolerance was used
    then; ``score`` (its rank under the sort) and ``id`` are those of the last hit shown, None on the first page.

    PostgreSQL's scores are integer millionths, Elasticsearch's are fractional: a search that began on one engine
    continues on the other at about the same position.
    """

    as_of: datetime
    wide: bool = False
    score: float | None = None
    id: str | None = None

    @property
    def millionths(self) -> int | None:
        """The score on PostgreSQL's scale."""
        return round(self.score * 1_000_000) if isinstance(self.score, float) else self.score

    @property
    def ones(self) -> float | None:
        """The score on Elasticsearch's scale."""
        return self.score / 1_000_000 if isinstance(self.score, int) else self.score


#: Seconds by which the clock of the process that began a search may be ahead of this one's.
AHEAD = 300


def cursor(question: Search, place: Place) -> str:
    """A place as an opaque cursor, valid for this query alone."""
    return encode(_name(question), int(place.as_of.timestamp()), place.wide, place.score, place.id)


def place_of(question: Search, now: datetime) -> Place:
    """Where the query's page begins; raises ``Invalid`` for text that :func:`cursor` did not make for this query."""
    if question.after is None:
        return Place(now.replace(microsecond=0))
    as_of, wide, score, id = decode(question.after, _name(question), int, bool, int | float, UUID, of="search")
    if not 0 <= as_of <= now.timestamp() + AHEAD or abs(score) >= (2**40 if isinstance(score, float) else 2**62):
        raise refused("search")
    return Place(datetime.fromtimestamp(as_of, UTC), wide, score, id)


def _name(question: Search) -> str:
    """Names the query in its cursors, whatever its page and its day, and what the rules say of it by now."""
    same = attrs.astuple(
        attrs.evolve(question, after=None, limit=0, today="", rules=NO_RULES, explain=False, groups=())
    )
    return f"search {blake2b(msgspec.msgpack.encode(same), digest_size=8).hexdigest()}"

"""One question to the index in one statement: the hits of a page, how many there are, and their facets.

The score, by which hits are ranked, is the sum of

- relevance: ``ts_rank`` of the words asked for, a word in the title counting 1, in category or tags 0.4, in the farm's name
  0.2, in the text 0.1; 1 more for each hit that has them as they were asked for rather than mistyped; 0.2 more where the
  title is what was asked for;
- freshness: 0.15 x exp(-age / 30 days);
- popularity: 0.15 x p / (p + 20);
- nearness, where a position is given: 0.25 / (1 + distance / 25 km).

It is counted in millionths, so that a cursor can hold it, and the age is taken at the moment of the first page, so that the
pages of one search follow each other.
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, NamedTuple
from uuid import UUID

import attrs
import msgspec

from harvestd.interfaces import Search
from harvestd.market.errors import Invalid
from harvestd.market.geography import RADIUS_KM, box_around
from harvestd.store.database import Statement
from harvestd.store.search_text import PRICE_EDGES, storable

#: The facets, in the order in which the statement counts them.
FACETS = ("category", "farm", "tag", "price", "unit")
#: Values of a facet that are answered, those of most hits first.
FACET_VALUES = 20
#: Characters of a document's text in which matches are marked.
TEXT_SHOWN = 1_000

_FILTERS = """not d.removed
   and ($5::text is null or d.category = $5) and ($6::text is null or d.farm = $6)
   and ($7::text is null or d.tags @> array[$7]) and ($8::text is null or d.unit = $8)
   and ($9::bigint is null or d.price >= $9) and ($10::bigint is null or d.price <= $10)
   and (not $11::boolean or d.in_stock)
   and ($12::text is null or d.season_from is null or d.season_to is null or case
        when length(d.season_from) = 10 then $12 between d.season_from and d.season_to
        when d.season_from <= d.season_to then substr($12, 6) between d.season_from and d.season_to
        else substr($12, 6) >= d.season_from or substr($12, 6) <= d.season_to end)
   and ($16::float8 is null or (d.latitude between $17 and $18 and d.longitude between $19 and $20))"""

_DISTANCE = f"""case when $14::float8 is null or d.latitude is null then null else {2 * RADIUS_KM} * asin(least(1, sqrt(
        power(sin(radians(d.latitude - $14) / 2), 2) + cos(radians($14)) * cos(radians(d.latitude))
        * power(sin(radians(d.longitude - $15::float8) / 2), 2)))) end"""

_FIND = """
with asked as materialized (
    select coalesce($3::tsquery, plainto_tsquery($1::regconfig, $2)) as query,
           plainto_tsquery($1::regconfig, $2) as exact
), matched as materialized (
    select d.kind, d.id, d.category, d.farm, d.tags, d.unit, d.price, x.distance,
           (1000000 * ({relevance}
            + 0.15::float8 * exp(least(0, date_part('epoch', d.fresh_at - $13::timestamptz)) / 2592000)
            + 0.15::float8 * d.popularity / (d.popularity + 20)
            + coalesce(0.25::float8 / (1 + x.distance / 25), 0)))::bigint as score
      from search_documents d, lateral (select {distance} as distance offset 0) x
     where {match} {filters} and ($16 is null or x.distance <= $16)
), page as (
    select * from matched where $21::bigint is null or score < $21 or (score = $21 and id > $22::uuid)
     order by score desc, id limit $23
), counts as (
    (select 1 as facet, category as value, count(*) as n from matched where category is not null
      group by 2 order by 3 desc, 2 limit {values})
    union all (select 2, farm, count(*) from matched where farm is not null group by 2 order by 3 desc, 2 limit {values})
    union all (select 3, tag, count(*) from (select unnest(tags) as tag from matched) t
                group by 2 order by 3 desc, 2 limit {values})
    union all (select 4, bracket::text, n from (select width_bucket(price, '{edges}'::bigint[]) - 1 as bracket,
                      count(*) as n from matched where price is not null group by 1) p)
    union all (select 5, unit, count(*) from matched where unit is not null group by 2 order by 3 desc, 2)
)
select (select count(*) from matched),
       (select coalesce(jsonb_agg(jsonb_build_array(facet, value, n)), '[]') from counts),
       (select coalesce(jsonb_agg(jsonb_build_array(p.kind, p.id, p.score, p.distance, d.title, left(d.text, {shown}), d.document)
                                  order by p.score desc, p.id), '[]')
          from page p join search_documents d using (kind, id)),
       (select array_agg(word) from (select word from search_words where lexeme = any(
               coalesce($4::text[], tsvector_to_array(to_tsvector($1::regconfig, $2)))) limit 500) w)"""

_RELEVANCE = """(ts_rank('{0.1, 0.2, 0.4, 1.0}', d.lexemes, (select query from asked))
             + case when d.lexemes @@ (select exact from asked) then 1 else 0 end
             + case when d.title_key = $2 then 0.2 else 0 end)"""


def _find(name: str, match: str, relevance: str) -> Statement[Page]:
    sql = _FIND.format(
        match=match, relevance=relevance, filters=_FILTERS, distance=_DISTANCE, values=FACET_VALUES, shown=TEXT_SHOWN,
        edges="{" + ",".join(map(str, PRICE_EDGES)) + "}",
    )  # fmt: skip
    return Statement(name, sql, _page)


class Row(NamedTuple):
    """One hit: ``score`` in millionths, ``distance`` in km."""

    kind: str
    id: str
    score: int
    distance: float | None
    title: str
    text: str
    document: dict[str, Any]


@attrs.frozen
class Page:
    """What the statement answers. ``counts`` are (number of the facet in FACETS from 1, value, hits), those of most hits
    first; ``words`` is what is to be highlighted."""

    total: int
    counts: list[tuple[int, str, int]]
    rows: list[Row]
    words: frozenset[str]


def _page(total: int, counts: list[Any], rows: list[Any], words: list[str] | None) -> Page:
    return Page(
        total, [(facet, value, n) for facet, value, n in counts], [Row(*row) for row in rows], frozenset(words or ())
    )


#: With words, and without.
FIND = _find("search.find", "d.lexemes @@ (select query from asked) and", _RELEVANCE)
LIST = _find("search.list", "", "0")

#: For each word asked for: its own stem where any document has it, and the stems of words that share most trigrams with
#: it and may be what was meant. ``known`` is whether the row is the word's own; its stem is null for a stop word.
SIMILAR = Statement(
    "search.similar",
    """select a.word, true as known, s.lexeme, a.word
         from unnest($2::text[]) as a(word), lateral (select (tsvector_to_array(to_tsvector($1::regconfig, a.word)))[1]
              as lexeme) s
        where s.lexeme is null or exists (select from search_words w where w.lexeme = s.lexeme)
       union all
       select a.word, false, n.lexeme, n.word
         from unnest($2::text[], $3::text[], $4::int[]) as a(word, trigrams, allowed), lateral (
              select w.word, w.lexeme from search_words w
               where w.trigrams && string_to_array(a.trigrams, '|') and w.lexeme is not null
                 and length(w.word) between length(a.word) - a.allowed and length(a.word) + a.allowed
               order by (select count(*) from unnest(w.trigrams) t where t = any(string_to_array(a.trigrams, '|'))) desc,
                        w.word
               limit 40) n
        where a.allowed > 0""",
    lambda word, known, lexeme, other: (word, known, lexeme, other),
)


@attrs.frozen
class Place:
    """Where a page begins. ``as_of`` is when the first page was asked for, ``wide`` whether mistyped words were looked for
    then; ``score`` and ``id`` are the last hit's shown, None on the first page.

    PostgreSQL's scores are whole millionths, Elasticsearch's are numbers with a fraction: a search that was begun on the one
    goes on, on the other, about where it was.
    """

    as_of: datetime
    wide: bool = False
    score: float | None = None
    id: str | None = None

    @property
    def millionths(self) -> int | None:
        """The score as PostgreSQL counts it."""
        return round(self.score * 1_000_000) if isinstance(self.score, float) else self.score

    @property
    def ones(self) -> float | None:
        """The score as Elasticsearch counts it."""
        return self.score / 1_000_000 if isinstance(self.score, int) else self.score


_PACKED = tuple[bytes, int, bool, int | float, bytes]


def cursor(question: Search, place: Place) -> str:
    """A place as opaque text, good for this question alone."""
    packed = msgspec.msgpack.encode(
        (_digest(question), int(place.as_of.timestamp()), place.wide, place.score, UUID(place.id).bytes)
    )
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def place_of(question: Search, now: datetime) -> Place:
    """Where the question's page begins; raises ``Invalid`` for what :func:`cursor` did not make for this question."""
    if question.after is None:
        return Place(now.replace(microsecond=0))
    try:
        if len(question.after) > 200:
            raise ValueError
        packed = base64.b64decode(question.after + "=" * (-len(question.after) % 4), altchars=b"-_", validate=True)
        digest, as_of, wide, score, id = msgspec.msgpack.decode(packed, type=_PACKED)
        if digest != _digest(question) or not -(2**62) < score < 2**62:
            raise ValueError
        return Place(datetime.fromtimestamp(as_of, UTC), wide, score, str(UUID(bytes=id)))
    except (ValueError, OverflowError, OSError, RecursionError, binascii.Error, msgspec.MsgspecError) as error:
        raise Invalid.of("after", "is not a cursor of this search; take `next` of a page, or leave it out") from error


def _digest(question: Search) -> bytes:
    same = attrs.astuple(attrs.evolve(question, after=None, limit=0, today=""))
    return blake2b(msgspec.msgpack.encode(same), digest_size=8).digest()


def parameters(
    language: str, question: Search, words: list[str], wide: str | None, lexemes: list[str] | None, place: Place
) -> list[Any]:
    """Of :data:`FIND` and :data:`LIST`; a page asks for one hit more than the limit, to know whether there is a next."""
    near = question.near or (None, None)
    radius = question.radius if question.near is not None else None
    box = box_around(*question.near, radius) if question.near is not None and radius is not None else None
    today = question.today or place.as_of.date().isoformat()
    filters = (question.category, question.farm, question.tag, question.unit)
    return [
        language, " ".join(words), wide, lexemes,
        *(None if word is None else storable(word) for word in filters), question.min_price, question.max_price,
        question.in_stock, today if question.in_season else None, place.as_of,
        *near, radius, *(attrs.astuple(box) if box else (None,) * 4),
        place.millionths, place.id, question.limit + 1,
    ]  # fmt: skip

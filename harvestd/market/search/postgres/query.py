"""One search of the index in one statement: the hits of a page, their total, and their facets.

Hits are ranked by a score, the sum of the factors of ``ranking.py``; the text counts by ``ts_rank``, with a word's weight by where it is.
It is an integer of millionths, so that a cursor can hold it, and the age is taken at the time of the first page, so that the pages of
one search are consistent.

There is a statement for each sort, with words or without, with facet filters or without, with rules of the market's staff or without, and
with an explanation or without: each is planned and run for what it is asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import attrs

from harvestd.interfaces import Search
from harvestd.interfaces.search_rules import NO_RULES
from harvestd.kernel.geography import box_around
from harvestd.market.search.places import Place
from harvestd.market.search.postgres.scoring import Form, score, why
from harvestd.market.search.text import CODE, PRICE_EDGES, code_of, storable
from harvestd.store.counting import MAX_COUNTED
from harvestd.store.nearness import distance_sql
from harvestd.store.postgres.statements import Statement

#: The facets, in the order in which the statement counts them.
FACETS = ("category", "farm", "tag", "price", "unit")
#: The number of values returned for a facet: those that its filter names, then those with the most hits.
FACET_VALUES = 20
#: Characters of a document's text that are highlighted.
TEXT_SHOWN = 1_000

#: The filter of each facet: whether it is given, and the condition on a hit.
_CHOSEN = {
    "category": (":categories::text[] is not null", "(:categories::text[] is null or d.category = any(:categories))"),
    "farm": (":farms::text[] is not null", "(:farms::text[] is null or d.farm = any(:farms))"),
    "tag": (":tags::text[] is not null", "(:tags::text[] is null or d.tags && :tags)"),
    "price": ("(:min_price::bigint is not null or :max_price::bigint is not null)",
              "((:min_price::bigint is null or d.price >= :min_price) and (:max_price::bigint is null or d.price <= :max_price))"),
    "unit": (":units::text[] is not null", "(:units::text[] is null or d.unit = any(:units))"),
}  # fmt: skip
_FOUND = "not d.removed"
_ALWAYS = f"""{_FOUND}
   and (not :in_stock::boolean or d.in_stock)
   and (:free_from::text[] is null or not d.allergens && :free_from)
   and (:benefits::text[] is null or d.benefits && :benefits)
   and (:today::text is null or d.season_from is null or d.season_to is null or case
        when length(d.season_from) = 10 then :today between d.season_from and d.season_to
        when d.season_from <= d.season_to then substr(:today, 6) between d.season_from and d.season_to
        else substr(:today, 6) >= d.season_from or substr(:today, 6) <= d.season_to end)
   and (:radius::float8 is null or (d.latitude between :south and :north and d.longitude between :west and :east))"""

_DISTANCE = f"""case when :latitude::float8 is null or d.latitude is null then null else
        {distance_sql("d.latitude", "d.longitude", ":latitude", ":longitude::float8")} end"""

_FIND = """
with asked as materialized ({asked}), scored as (
    select d.kind, d.id, {counting}, x.distance, round({score})::bigint as score, {why} as why, {rank} as value
      from {documents} and {chosen}
), matched as not materialized (
    select s.*, coalesce(s.value, s.score) as rank from scored s
), page as (
    select * from matched where :rank::bigint is null or rank < :rank or (rank = :rank and id {after} :id::uuid)
     order by rank desc, id {direction} limit :limit
), counted as materialized (
    select category, farm, tags, unit, price, at from matched limit {most}
), counts as (
    (select 1 as facet, value, {name[category]} as name, n from (
        select category as value, min(at) as one, count(*) as n from {category}
         where category is not null group by 1 order by {first[category]}3 desc, 1 limit {values}) c)
    union all (select 2, value, {name[farm]}, n from (
        select farm as value, min(at) as one, count(*) as n from {farm}
         where farm is not null group by 1 order by {first[farm]}3 desc, 1 limit {values}) f)
    union all (select 3, tag, tag, count(*) from (select unnest(tags) as tag from {tag}) t
                group by 2 order by {first[tag]}4 desc, 2 limit {values})
    union all (select 4, bracket::text, '', n from (select width_bucket(price, '{edges}'::bigint[]) - 1 as bracket,
                      count(*) as n from {price} where price is not null group by 1) p)
    union all (select 5, unit, unit, count(*) from {unit} where unit is not null group by 2 order by 4 desc, 2)
)
select (select count(*) from counted),
       (select coalesce(jsonb_agg(jsonb_build_array(facet, value, name, n)), '[]') from counts),
       (select coalesce(jsonb_agg(jsonb_build_array(p.kind, p.id, p.score, p.distance, d.title, left(d.text, {shown}), d.document, p.rank, p.why)
                                  order by p.rank desc, p.id {direction}), '[]')
          from page p join search_documents d using (kind, id)),
       (select array_agg(word) from (select word from search_words where lexeme = any(
               coalesce(:lexemes::text[], '{{}}') || tsvector_to_array(to_tsvector(:language::regconfig, :words))) limit 500) w)"""

#: What a query of words is, in PostgreSQL's own form: ``meant`` as typed, with all ways to say it; ``words`` with typing errors, too; ``query``
#: finds by it or by the product's own number, which is no word that a text lacks when it is ranked.
_ASKED = """
    select words || code as query, words, meant, meant || code as exact, code, title, phrase from (
        select *, case when :wide::tsquery is null then meant else {wide} end as words
      from (select {meant} as meant, {title} as title, {phrase} as phrase, (:code)::tsquery as code) a) b"""


def _understood(name: str, others: Sequence[str]) -> str:
    """A text of the query as the market's own language understands it, or any of the others."""
    own = f"to_tsquery(:language::regconfig, :{name})"
    return " || ".join([own, *(f"to_tsquery('{other}'::regconfig, :{name})" for other in others)])


class Order(NamedTuple):
    """A sort: ``rank`` of a document, greatest first (a fragment of SQL, and the engine's field with whether it is ascending),
    and whether ties go to the latest id."""

    rank: str
    field: str
    rising: bool
    latest: bool


#: Each sort, with the same meaning as in the listing.
ORDERS: dict[str, Order] = {
    "relevance": Order("", "_score", False, False),
    "newest": Order("0", "", False, True),
    "price": Order("-1000000 * coalesce(d.price, 0)", "price", True, False),
    "-price": Order("1000000 * coalesce(d.price, 0)", "price", False, True),
    "popular": Order("(1000000 * d.popularity::float8)::bigint", "sales", False, True),
    "rating": Order("(1000000 * d.rating::float8)::bigint", "rating", False, True),
}


#: Values that the filter names are always returned, however few hits have them.
_FIRST = {
    facet: f"({facet} = any(:{values})) is true desc, "
    for facet, values in (("category", "categories"), ("farm", "farms"), ("tag", "tags"))
}
#: The columns that facets are counted by.
_COUNTING = "d.category, d.farm, d.tags, d.unit, d.price as price, d.ctid as at"
#: The label of a value, read from one document that has it, only for the few values that are returned. Carrying labels through
#: the counting takes longer.
_NAME = {
    facet: f"coalesce(nullif((select {facet}_name from search_documents where ctid = one), ''), value)"
    for facet in ("category", "farm")
}
_DOCUMENTS = (
    f"search_documents d, lateral (select {_DISTANCE} as distance offset 0) x"
    f" where {{match}} {_ALWAYS} and (:radius is null or x.distance <= :radius)"
)


@cache
def find(form: Form, others: tuple[str, ...] = ()) -> Statement[Page]:
    """The statement of a form, for queries that may be in these other languages, by their configurations."""
    match = "d.lexemes @@ (select query from asked) and" if form.words else ""
    if form.words and form.ruled:
        match = "(d.lexemes @@ (select query from asked) or (d.kind = 'product' and d.id = any(:pins::uuid[]))) and"
    order, documents = ORDERS[form.sort], _DOCUMENTS.format(match=match)
    texts = {name: _understood(name, others) for name in ("meant", "title", "phrase")}
    sql = _FIND.format(
        asked=_ASKED.format(wide=":wide || meant" if form.ruled else ":wide", **texts) if form.words else "select 1", documents=documents,
        chosen=" and ".join(filter for _, filter in _CHOSEN.values()), score=score(form), why=why(form),
        rank=order.rank or "null::bigint", after="<" if order.latest else ">", direction="desc" if order.latest else "asc",
        counting=_COUNTING, most=MAX_COUNTED, name=_NAME,
        values=FACET_VALUES, shown=TEXT_SHOWN, edges="{" + ",".join(map(str, PRICE_EDGES)) + "}",
        first=_FIRST if form.beside else dict.fromkeys(_FIRST, ""),
        **{facet: _among(facet, documents) if form.beside else "counted" for facet in FACETS},
    )  # fmt: skip
    marks = "".join(
        mark
        for mark, given in zip(
            "wbreg", (form.words, form.beside, form.ruled, form.explained, form.grouped), strict=True
        )
        if given
    )
    name = "+".join([f"search.{form.sort}.{marks}", *others])
    return Statement(name, _for_groups(sql) if form.grouped else sql, _page, heavy=True)


def _for_groups(sql: str) -> str:
    """The statement for members of some groups: with what they find besides, at their prices."""
    own = "(case when d.group_prices is null then d.price else price_for(d.price, d.reduced, d.group_prices, :groups::uuid[]) end)"
    return re.sub(r"\bd\.price\b", own, sql).replace(_FOUND, f"({_FOUND} or d.visible_to && :groups::uuid[])")


def _among(facet: str, documents: str) -> str:
    """The rows a facet is counted among: the hits, and documents that only its own filter excludes."""
    given, filter = _CHOSEN[facet]
    others = " and ".join(filter for name, (_, filter) in _CHOSEN.items() if name != facet)
    kept_out = (
        f"select {_COUNTING} from {documents} and {given} and {filter} is not true and {others} limit {MAX_COUNTED}"
    )
    return f"(select * from counted union all ({kept_out})) as among_{facet}"


class Row(NamedTuple):
    """One hit: ``score`` and ``rank``, its sort key, in millionths, ``distance`` in km."""

    kind: str
    id: str
    score: int
    distance: float | None
    title: str
    text: str
    document: dict[str, Any]
    rank: int
    why: list[float] | None


@attrs.frozen
class Page:
    """The statement's result. ``total`` stops at :data:`MAX_COUNTED`; over so many hits ``counts`` are (number of the facet in
    FACETS from 1, value, its label, hits); ``words`` are the words to highlight."""

    total: int
    counts: list[tuple[int, str, str, int]]
    rows: list[Row]
    words: frozenset[str]


def _page(total: int, counts: list[Any], rows: list[Any], words: list[str] | None) -> Page:
    return Page(
        total,
        [(facet, value, name, n) for facet, value, name, n in counts],
        [Row(*row) for row in rows],
        frozenset(words or ()),
    )


def statement(question: Search, words: list[str], others: tuple[str, ...] = ()) -> Statement[Page]:
    """The statement for the search, to be run with :func:`parameters`."""
    chosen = question.category or question.farm or question.tag or question.unit
    beside = bool(chosen) or question.min_price is not None or question.max_price is not None
    ruled = question.rules != NO_RULES
    return find(Form(bool(words), question.sort, beside, ruled, question.explain, bool(question.groups)), others)


#: For each query word: its own stem if any document has it, and the stems of the words that share most trigrams with it, as
#: candidates for typo tolerance. ``known`` is whether the row is the word's own; its stem is null for a stop word.
SIMILAR = Statement(
    "search.similar",
    """select a.word, true as known, s.lexeme, a.word
         from unnest(:words::text[]) as a(word), lateral (select (tsvector_to_array(to_tsvector(:language::regconfig, a.word)))[1]
              as lexeme) s
        where s.lexeme is null or exists (select from search_words w where w.lexeme = s.lexeme)
       union all
       select a.word, false, n.lexeme, n.word
         from unnest(:words::text[], :grams::text[], :allowed::int[]) as a(word, trigrams, allowed), lateral (
              select w.word, w.lexeme from search_words w
               where w.trigrams && string_to_array(a.trigrams, '|') and w.lexeme is not null
                 and length(w.word) between length(a.word) - a.allowed and length(a.word) + a.allowed
               order by (select count(*) from unnest(w.trigrams) t where t = any(string_to_array(a.trigrams, '|'))) desc,
                        w.word
               limit 40) n
        where a.allowed > 0""",
    lambda word, known, lexeme, other: (word, known, lexeme, other),
    heavy=True,
)


def parameters(
    language: str, question: Search, words: list[str], wide: str | None, lexemes: list[str] | None, place: Place,
    others: tuple[str, ...] = (),
) -> dict[str, Any]:  # fmt: skip
    """Values for :func:`statement`; a page requests one hit more than the limit, to know whether there is a next."""
    near = question.near or (None, None)
    radius = question.radius if question.near is not None else None
    box = box_around(*question.near, radius) if question.near is not None and radius is not None else None
    today = question.today or place.as_of.date().isoformat()
    south, north, west, east = attrs.astuple(box) if box else (None,) * 4
    values = {
        "language": language, **_words(question, words), "wide": wide, "lexemes": lexemes,
        "categories": _values(question.category), "farms": _values(question.farm), "tags": _values(question.tag),
        "units": _values(question.unit), "min_price": question.min_price, "max_price": question.max_price,
        "in_stock": question.in_stock, "free_from": _values(question.free_from), "benefits": _values(question.benefit), "today": today if question.in_season else None,
        "as_of": place.as_of, "latitude": near[0], "longitude": near[1], "radius": radius, "south": south, "north": north, "west": west, "east": east,
        "rank": place.millionths, "id": place.id, "limit": question.limit + 1, "groups": list(question.groups), **_rules(question),
    }  # fmt: skip
    return {name: values[name] for name in statement(question, words, others).names}


def _words(question: Search, words: list[str]) -> dict[str, str]:
    """The query in PostgreSQL's forms: all words with all ways to say them, in the title, and side by side there; and as a code. A word is
    letters and digits alone, so nothing in it is syntax."""
    parts = question.rules.groups or tuple(((word,),) for word in words)
    ways = [" | ".join("(" + " & ".join(way) + ")" for way in part) for part in parts]
    return {
        "text": " ".join(words),
        "words": " ".join(word for part in parts for way in part for word in way),
        "meant": " & ".join(f"({part})" for part in ways),
        "title": " & ".join(
            "(" + " | ".join("(" + " & ".join(f"{word}:A" for word in way) + ")" for way in part) + ")"
            for part in parts
        ),
        "phrase": " <-> ".join(f"{word}:A" for word in words) if len(words) > 1 else "",
        "code": f"'{CODE}{code}'" if (code := code_of(question.text)) else "",
    }


def _rules(question: Search) -> dict[str, Any]:
    """The rules of the query: pins count only if nothing else is sorted by."""
    boosts = [(n, one.field, value, one.factor) for n, one in enumerate(question.rules.boosts) for value in one.values]
    numbers, fields, values, factors = ([one[i] for one in boosts] for i in range(4))
    pins = list(question.rules.pins) if question.sort == "relevance" else []
    return {"pins": pins, "boosts": numbers, "fields": fields, "values": values, "factors": factors}


def _values(asked: Sequence[str]) -> list[str] | None:
    """The value of a filter on the documents' columns; None if the filter is not given."""
    return [storable(value) for value in asked] or None

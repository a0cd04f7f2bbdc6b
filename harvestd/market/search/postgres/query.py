"""One search of the index in one statement: the hits of a page, their total, and their facets.

Hits are ranked by a score, the sum of the factors of ``ranking.py``; the text counts by ``ts_rank``, with a word's weight by where it is.
It is an integer of millionths, so that a cursor can hold it, and the age is taken at the time of the first page, so that the pages of
one search are consistent. Of very many hits the best are ranked (``candidates.py``), and the others follow in the order of their ids.
Sorted by anything else, all have their place, however many they are (``sorting.py``).

There is a statement for each sort, with words or without, with facet filters or without, with rules of the market's staff or without, and
with an explanation or without: each is planned and run for what it is asked.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import attrs

from harvestd.interfaces import Search
from harvestd.interfaces.search_rules import NO_RULES
from harvestd.market.search.postgres import keys
from harvestd.market.search.postgres.candidates import RANKED, candidates, match
from harvestd.market.search.postgres.conditions import FAR, documents, for_groups, for_staff
from harvestd.market.search.postgres.counts import COLUMNS, counts
from harvestd.market.search.postgres.orders import ORDERS
from harvestd.market.search.postgres.scoring import Form, score, why
from harvestd.market.search.postgres.sorting import in_order
from harvestd.store.postgres.statements import Statement

#: Characters of a document's text that are highlighted.
TEXT_SHOWN = 1_000
#: The rank of hits that were not ranked: no score is below 0.
BEHIND = -1

_FIND = """
with {candidates}, page as ({page}
), counts as ({counts})
select case when (select cut from whether) then {ranked} else (select count(*) from ranked) end,
       (select coalesce(jsonb_agg(jsonb_build_array(facet, value, name, n)), '[]') from counts),
       (select coalesce(jsonb_agg(jsonb_build_array(d.kind, d.id, round({score})::bigint, x.distance, d.title, left(d.text, {shown}), d.document, p.rank, {why})
                                  order by p.rank desc, p.id {direction}), '[]')
          from page p join search_documents d on d.ctid = p.at, {far}),
       (select array_agg(word) from (select word from search_words where lexeme = any(
               coalesce(:lexemes::text[], '{{}}') || tsvector_to_array(to_tsvector(:language::regconfig, :words))) limit 500) w)"""

_AFTER = "(:rank::bigint is null or rank < :rank or (rank = :rank and id {after} :id::uuid)) order by rank desc, id {direction} limit :limit"
#: By relevance: the best, then all others.
_RANKED = """
    (select at, id, rank from ranked where {after}) union all
    (select d.ctid, d.id, {behind}::bigint from {hits} and (select cut from whether) and d.ctid not in (select at from ranked)
        and (:rank is distinct from {behind} or d.id > :id) order by d.id limit :limit) limit :limit"""


@cache
def find(form: Form, others: tuple[str, ...] = ()) -> Statement[Page]:
    """The statement of a form, for queries that may be in these other languages, by their configurations."""
    order = ORDERS[form.sort]
    direction = {"after": "<" if order.latest else ">", "direction": "desc" if order.latest else "asc"}
    rank, points, after = order.rank or f"round({score(form)})::bigint", score(form), _AFTER.format(**direction)
    if order.rank:
        page = in_order(form, order, after)
    else:
        page = _RANKED.format(hits=documents(match(form)), behind=BEHIND, after=after)
    sql = _FIND.format(
        candidates=candidates(form, others, f"d.id, {COLUMNS}, {rank} as rank"), far=FAR, page=page, counts=counts(form),
        ranked=RANKED, score=points, shown=TEXT_SHOWN, why=why(form), direction=direction["direction"],
    )  # fmt: skip
    given = (form.words, form.beside, form.ruled, form.explained, form.grouped, form.keyed, form.staff)
    marks = "".join(mark for mark, is_ in zip("wbregks", given, strict=True) if is_)
    name = "+".join([f"search.{form.sort}.{marks}", *others])
    found = for_staff(sql) if form.staff else for_groups(sql) if form.grouped else sql
    return Statement(name, found, _page, heavy=True)


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
    """The statement's result. ``total`` stops at :data:`RANKED`; ``counts`` are (number of the facet in FACETS from 1, value, its label,
    hits) over the ranked hits; ``words`` are the words to highlight."""

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
    """The statement for the search, to be run with ``parameters.py``."""
    chosen = question.category or question.farm or question.tag or question.unit
    beside = bool(chosen) or question.min_price is not None or question.max_price is not None
    ruled, keyed = question.rules != NO_RULES, bool(keys.filters(question))
    grouped = bool(question.groups) and not question.staff
    return find(
        Form(bool(words), question.sort, beside, ruled, question.explain, grouped, keyed, question.staff), others
    )

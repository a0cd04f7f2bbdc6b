"""Names by prefix: distinct titles, farms and categories, each found by one step in an index, however often it occurs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest

from harvestd.interfaces import Suggestion
from harvestd.store.database import Reader, Statement
from harvestd.store.search_text import words

#: After the last name with a prefix, in the order of code points.
END = "\U0010ffff"

_STEPS = """
{name} (key) as (
    (select {key} from search_documents where not removed and {key} >= $1 and {key} < $2 order by {key} limit 1)
    union all
    select (select d.{key} from search_documents d where not d.removed and d.{key} > s.key and d.{key} < $2
             order by d.{key} limit 1) from {name} s where s.key is not null
)"""
# A range of one key in its order is read by the index however many documents have it, where = might read the table for one.
_NAMED = """
(select {order}, k.key, d.* from (select key from {name} where key <> '' limit $3) k, lateral (
    select {text} as text, {kind} as kind, {slug} as slug from search_documents d
     where not d.removed and d.{key} between k.key and k.key order by d.{key} limit 1) d where d.slug is not null)"""
_KINDS = (
    {"order": "1", "name": "titles", "key": "title_key", "text": "d.title", "kind": "d.kind",
     "slug": "coalesce(d.document ->> 'slug', case when d.kind = 'farm' then d.farm end)"},
    {"order": "2", "name": "categories", "key": "category_key", "text": "d.category_name", "kind": "'category'",
     "slug": "d.category"},
    {"order": "3", "name": "farms", "key": "farm_key", "text": "d.farm_name", "kind": "'farm'", "slug": "d.farm"},
)  # fmt: skip

BEGINS = Statement(
    "search.begins",
    "with recursive" + ",".join(_STEPS.format(**kind) for kind in _KINDS)
    + " union all ".join(_NAMED.format(**kind) for kind in _KINDS) + " order by 1, 2",
    lambda order, key, text, kind, slug: (order, Suggestion(text, kind, slug)),
)  # fmt: skip

#: Names with a word inside that begins so: looked for among the documents that have one of the first such words.
INSIDE = Statement(
    "search.inside",
    """with stems as materialized (
           select lexeme from search_words where word >= $2 and word < $3 and lexeme is not null order by word limit 20
       ), found as materialized (
           select title, kind, title_key, farm, farm_name, farm_key, document from search_documents
            where not removed and lexemes @@ (select coalesce(string_agg(quote_literal(lexeme), ' | '), '')::tsquery from stems)
            limit 1000
       )
       (select distinct on (title_key) title, kind, coalesce(document ->> 'slug', farm) from found
         where title_key like '% ' || $1 || '%' order by title_key limit $4)
       union all
       (select distinct on (farm_key) farm_name, 'farm', farm from found
         where farm_key like '% ' || $1 || '%' and farm is not null order by farm_key limit $4)""",
    Suggestion,
)


async def suggest(reader: Reader, prefix: str, limit: int) -> Sequence[Suggestion]:
    """Up to ``limit`` names: those that begin with the prefix, of each kind in turn, then those that have it inside."""
    asked = words(prefix, 8)
    if not asked:
        return ()
    key = " ".join(asked)
    rows = await reader.rows(BEGINS, key, key + END, limit)
    found = distinct(in_turn([[s for order, s in rows if order == kind] for kind in (1, 2, 3)]))
    if len(found) < limit:
        inside = await reader.rows(INSIDE, key, asked[-1], asked[-1] + END, limit)
        found = distinct([*found, *inside])
    return tuple(found[:limit])


def in_turn(kinds: Sequence[Sequence[Suggestion]]) -> list[Suggestion]:
    """The first of each kind, the second of each, and so on."""
    return [s for s in chain.from_iterable(zip_longest(*kinds)) if s is not None]


def distinct(suggestions: Iterable[Suggestion]) -> list[Suggestion]:
    """Each name of a kind once, in whatever case."""
    found: dict[tuple[str, str], Suggestion] = {}
    for suggestion in suggestions:
        found.setdefault((suggestion.kind, suggestion.text.casefold()), suggestion)
    return list(found.values())

"""Suggestions by prefix: distinct titles, farms and categories, each found by one index lookup, however often it occurs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest
from typing import Any, NamedTuple

from harvestd.interfaces import Suggestion
from harvestd.interfaces.search import MAX_ALIKE
from harvestd.market.catalogue.cards import FIRST_IMAGE, said
from harvestd.market.catalogue.sight import FOR_EVERYBODY, FOR_MEMBERS, FOR_STAFF
from harvestd.market.farms.listed_rules import FOUND
from harvestd.market.search.text import words
from harvestd.store.postgres.statements import Reader, Statement

#: Sorts after every name with a prefix, in code point order.
END = "\U0010ffff"

_STEPS = """
{name} (key) as (
    (select {key} from search_documents where not removed and {key} >= :key and {key} < :last order by {key} limit 1)
    union all
    select (select d.{key} from search_documents d where not d.removed and d.{key} > s.key and d.{key} < :last
             order by d.{key} limit 1) from {name} s where s.key is not null
)"""
# A range over the index's own order uses the index however many documents match, where = might scan the table for one.
_NAMED = """
(select {order}, k.key, d.* from (select key from {name} where key <> '' limit :limit) k, lateral (
    select {text} as text, '{kind}' as kind, {slug} as slug, null::text as id, null::bigint as count from search_documents d
     where not d.removed and d.{key} between k.key and k.key order by d.{key} limit 1) d where d.slug is not null)"""
_TITLES = """
(select {order}, k.key, d.* from (select key from {name} where key <> '' limit :limit) k, lateral (
    select s.title as text, s.kind, coalesce(s.document ->> 'slug', case when s.kind = 'farm' then s.farm end) as slug,
           case when s.kind = 'product' then s.id::text end as id, case when s.kind = 'product' then b.alike end as count
      from (select d.kind, d.id, count(*) over () as alike from (
                   select kind, id, popularity from search_documents
                    where not removed and title_key between k.key and k.key order by title_key limit {most}) d
             order by d.popularity desc, d.id limit 1) b join search_documents s using (kind, id)) d where d.slug is not null)"""
_KINDS = (
    (_TITLES, {"order": "1", "name": "titles", "key": "title_key", "most": MAX_ALIKE}),
    (_NAMED, {"order": "2", "name": "categories", "key": "category_key", "text": "d.category_name", "kind": "category", "slug": "d.category"}),
    (_NAMED, {"order": "3", "name": "farms", "key": "farm_key", "text": "d.farm_name", "kind": "farm", "slug": "d.farm"}),
)  # fmt: skip


def _suggested(order: int, key: str, *suggestion: Any) -> tuple[int, Suggestion]:
    return order, Suggestion(*suggestion)


BEGINS = Statement(
    "search.begins",
    "with recursive" + ",".join(_STEPS.format(**kind) for _, kind in _KINDS)
    + " union all ".join(sql.format(**kind) for sql, kind in _KINDS) + " order by 1, 2",
    _suggested,
)  # fmt: skip

#: Names with a word inside that starts with the prefix: searched among the documents that have one of the first such words.
INSIDE = Statement(
    "search.inside",
    """with stems as materialized (
           select lexeme from search_words where word >= :first and word < :last and lexeme is not null order by word limit 20
       ), found as materialized (
           select title_key, farm, farm_name, farm_key from search_documents
            where not removed and lexemes @@ (select coalesce(string_agg(quote_literal(lexeme), ' | '), '')::tsquery from stems)
            limit 1000
       ), titles as (
           select distinct title_key as key from found where title_key like '% ' || :key || '%' order by 1 limit :limit
       )"""
    + _TITLES.format(**_KINDS[0][1])
    + """
       union all
       (select distinct on (farm_key) 3, farm_key, farm_name, 'farm', farm, null, null from found
         where farm_key like '% ' || :key || '%' and farm is not null order by farm_key limit :limit)
       order by 1, 2""",
    _suggested,
)

#: The current state of suggested products, farms and categories, by kind and by id or slug.
_NOW_SQL = f"""select 'product', p.id::text, p.id::text, f.id::text, f.slug, f.name, {FIRST_IMAGE}, {said("p", "title")} from products p join farms f on f.id = p.farm_id
        where p.id = any(:products::uuid[]) and {{sees}}
       union all select 'farm', s.slug, f.id::text, null, f.slug, null, null, null from farm_slugs s join farms f on f.id = s.farm_id
        where s.slug = any(:farms::text[]) and f.{FOUND}
       union all select 'category', s.slug, c.id::text, null, c.slug, null, null, {said("c", "name")} from category_slugs s join categories c on c.id = s.category_id
        where s.slug = any(:categories::text[])"""
#: By whom it is for: everybody, members of some groups, the market's staff.
_NOW = {
    whom: Statement(
        f"search.suggested{whom}", _NOW_SQL.format(sees=sees), lambda kind, key, id, *more: ((kind, key), Known(id, *more)),
    )
    for whom, sees in (("", FOR_EVERYBODY), (".member", FOR_MEMBERS), (".staff", FOR_STAFF))
}  # fmt: skip


class Known(NamedTuple):
    """A suggested item by its id, a product's farm and first picture (JSON), and its name in the language that was asked for; None for farms. Of farms and
    categories ``farm_slug`` is their present slug: search knows the former one for a moment after a change."""

    id: str
    farm_id: str | None
    farm_slug: str | None
    farm_name: str | None
    image: str | None
    name: str | None


async def known(
    reader: Reader,
    suggestions: Sequence[Suggestion],
    language: str = "",
    groups: Sequence[str] = (),
    *,
    staff: bool = False,
) -> list[tuple[Suggestion, Known]]:
    """The items that are still in the market, as far as members of these groups, or the market's ``staff``, find them, in their current state."""
    if not suggestions:
        return []
    keys = [(one.kind, one.id or one.slug) for one in suggestions]
    of = {kind: [key for other, key in keys if other == kind] for kind in ("product", "farm", "category")}
    which = {"products": of["product"], "farms": of["farm"], "categories": of["category"], "language": language}
    whom = ".staff" if staff else ".member" if groups else ""
    own = {"groups": list(groups)} if whom == ".member" else {}
    found = dict(await reader.rows(_NOW[whom], **which, **own))
    return [(one, found[key]) for one, key in zip(suggestions, keys, strict=True) if key in found]


async def suggest(reader: Reader, prefix: str, limit: int) -> Sequence[Suggestion]:
    """Up to ``limit`` names: those that start with the prefix, kinds alternating, then those that have it inside."""
    asked = words(prefix, 8)
    if not asked:
        return ()
    key = " ".join(asked)
    rows = await reader.rows(BEGINS, key=key, last=key + END, limit=limit)
    found = distinct(in_turn([[s for order, s in rows if order == kind] for kind in (1, 2, 3)]))
    if len(found) < limit:
        inside = await reader.rows(INSIDE, key=key, first=asked[-1], limit=limit, last=asked[-1] + END)
        found = distinct([*found, *(s for _, s in inside)])
    return tuple(found[:limit])


def in_turn(kinds: Sequence[Sequence[Suggestion]]) -> list[Suggestion]:
    """The first of each kind, the second of each, and so on."""
    return [s for s in chain.from_iterable(zip_longest(*kinds)) if s is not None]


def distinct(suggestions: Iterable[Suggestion]) -> list[Suggestion]:
    """Each name of a kind once, ignoring case."""
    found: dict[tuple[str, str], Suggestion] = {}
    for suggestion in suggestions:
        found.setdefault((suggestion.kind, suggestion.text.casefold()), suggestion)
    return list(found.values())

"""Suggestions of what members of some groups, or the market's staff, find and others do not, whichever engine suggests the rest: no engine holds it."""

from __future__ import annotations

from collections.abc import Sequence

from harvestd.interfaces import Suggestion
from harvestd.market.search.postgres.suggest import END
from harvestd.market.search.text import words
from harvestd.store.postgres.statements import Reader, Statement

#: Documents that are looked at, for each way to find them.
MOST = 200
# By the beginning of the title, and by a word inside of any name, of the first words that begin so.
_FOUND = """with stems as materialized (
           select lexeme from search_words where word >= :first and word < :first_last and lexeme is not null order by word limit 20
       ), found as materialized (
           (select id from search_documents where {theirs} and title_key >= :key and title_key < :last order by title_key limit {most})
           union
           (select id from search_documents where {theirs}
               and lexemes @@ (select coalesce(string_agg(quote_literal(lexeme), ' | '), '')::tsquery from stems) limit {most})
       ), named as (
           select n.*, d.popularity, d.id as of from search_documents d join found on d.kind = 'product' and d.id = found.id cross join lateral (values
               (1, 'product', d.title_key, d.title, d.document ->> 'slug', d.id::text), (2, 'category', d.category_key, d.category_name, d.category, null),
               (3, 'farm', d.farm_key, d.farm_name, d.farm, null)) as n(place, kind, key, text, slug, id)
            where n.slug is not null and ' ' || n.key like '% ' || :key || '%'
       )"""
_SUGGESTED = """
       select text, kind, slug, id, count from (
           select distinct on (place, key) *, case when kind = 'product' then count(*) over (partition by place, key) end as count
             from named order by place, key, popularity desc, of) n
        order by place, key limit :limit"""
_BEGIN = {
    staff: Statement(
        f"search.group_titles{'.staff' if staff else ''}",
        _FOUND.format(theirs=theirs, most=MOST) + _SUGGESTED,
        Suggestion,
    )
    for staff, theirs in ((False, "visible_to && :groups::uuid[]"), (True, "visible_to is not null"))
}


async def begin(
    reader: Reader, groups: Sequence[str], prefix: str, limit: int, *, staff: bool = False
) -> list[Suggestion]:
    """Names of what these groups, or the market's ``staff``, find besides everybody, that have a word which starts with a prefix; none for all others."""
    asked = words(prefix, 8)
    if not asked or not (groups or staff):
        return []
    key, first = " ".join(asked), asked[-1]
    own = {} if staff else {"groups": list(groups)}
    return await reader.rows(
        _BEGIN[staff], **own, key=key, last=key + END, first=first, first_last=first + END, limit=limit
    )

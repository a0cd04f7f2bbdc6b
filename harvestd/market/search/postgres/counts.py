"""The facets of a search in SQL: their values, counted among the ranked hits and what a facet's own filter excludes."""

from __future__ import annotations

from harvestd.market.search.postgres.candidates import RANKED, STANDINGS, with_keys
from harvestd.market.search.postgres.conditions import CHOSEN, FACETS, documents
from harvestd.market.search.postgres.scoring import Form
from harvestd.market.search.text import PRICE_EDGES

#: The number of values returned for a facet: those that its filter names, then those with the most hits.
FACET_VALUES = 20
#: The columns that facets are counted by.
COLUMNS = "d.category, d.farm, d.tags, d.unit, d.price as price, d.ctid as at"

_COUNTS = """
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
    union all (select 5, unit, unit, count(*) from {unit} where unit is not null group by 2 order by 4 desc, 2)"""
#: Values that the filter names are always returned, however few hits have them.
_FIRST = {
    facet: f"({facet} = any(:{values})) is true desc, "
    for facet, values in (("category", "categories"), ("farm", "farms"), ("tag", "tags"))
}
#: The label of a value, read from one document that has it, only for the few values that are returned. Carrying labels through
#: the counting takes longer.
_NAME = {
    facet: f"coalesce(nullif((select {facet}_name from search_documents where ctid = one), ''), value)"
    for facet in ("category", "farm")
}


def counts(form: Form) -> str:
    """The statement's facets: (number of the facet in FACETS from 1, value, its label, hits)."""
    return _COUNTS.format(
        name=_NAME, values=FACET_VALUES, edges="{" + ",".join(map(str, PRICE_EDGES)) + "}",
        first=_FIRST if form.beside else dict.fromkeys(_FIRST, ""),
        **{facet: _among(facet, form) if form.beside else "ranked" for facet in FACETS},
    )  # fmt: skip


def _among(facet: str, form: Form) -> str:
    """The rows a facet is counted among: the hits, and documents that only its own filter excludes, as far as so many: without words the best of them."""
    given, filter = CHOSEN[facet]
    excluded = f"{given} and {filter} is not true"
    if form.words:
        found = documents(f"d.lexemes @@ (select {with_keys(f'beside_{facet}')} from asked)", facet)
        kept_out = f"(select {COLUMNS} from {found} and {excluded} limit {RANKED})"
    else:
        step = f"select {COLUMNS} from {documents('d.lexemes @@ s.query', facet)} and {excluded} offset 0"
        steps = f"select f.* from {STANDINGS.format(keys=f'beside_{facet}')} s, lateral ({step}) f where {given} and (select keyed from asked)"
        plain = f"select {COLUMNS} from {documents('', facet)} and {excluded} and not (select keyed from asked)"
        kept_out = f"({steps} limit {RANKED}) union all ({plain} limit {RANKED})"
    return f"(select category, farm, tags, unit, price, at from ranked union all {kept_out}) as among_{facet}"

"""The score of a document in SQL, from the table of ranking's factors (``ranking.py``); and its parts, for an explanation."""

from __future__ import annotations

from typing import NamedTuple

from harvestd.market.search.ranking import (
    DAYS,
    FACTORS,
    KM,
    MISTYPED,
    MOST_BOOSTED,
    OF_WORDS,
    PIN,
    SOLD,
    STARS,
    UNRATED,
)

#: PostgreSQL refuses powers of e that are too small for a float8, which for a score are nothing long before.
LEAST = 100

#: How well a document's text fits a query.
_RANK = "ts_rank('{{0.1, 0.2, 0.4, 1.0}}', d.lexemes, (select {} from asked))"
#: Each factor of ranking, as the share of its points that a document has.
_SHARES = {
    "code": "case when d.lexemes @@ (select code from asked) then 1 else 0 end",
    "typed": "case when d.lexemes @@ (select exact from asked) then 1 else 0 end",
    "stock": "case when d.in_stock then 1 else 0 end",
    "text": f"least(1, case when :wide::tsquery is null then {_RANK.format('words')} else greatest({_RANK.format('typed')}, {MISTYPED} * {_RANK.format('words')}) end / 0.6079271::float8)",  # that of one word in a title
    "title": "case when d.lexemes @@ (select title from asked) then 1 / cardinality(string_to_array(d.title_key, ' '))::float8 else 0 end",
    "whole": "case when d.title_key = :text then 1 else 0 end",
    "phrase": "case when d.lexemes @@ (select phrase from asked) then 1 else 0 end",
    "freshness": f"exp(greatest(-{LEAST}, least(0, date_part('epoch', d.fresh_at - :as_of::timestamptz)) / {DAYS * 86_400}::float8))",
    "rating": f"coalesce(nullif(d.rating, 0), {UNRATED}) / {STARS}::float8",
    "popularity": f"greatest(0, d.popularity) / (greatest(0, d.popularity) + {SOLD}::float8)",
    "distance": f"coalesce(power(0.5::float8, x.distance / {KM}), 0)",
}  # fmt: skip
#: How many times as much a document counts by the boosts of the query, each of which is about one value.
_BOOSTED = f"""(select least({MOST_BOOSTED}, exp(greatest(-{LEAST}, coalesce(sum(ln(b.factor)), 0)))) from (
        select distinct n, factor from unnest(:boosts::int[], :fields::text[], :values::text[], :factors::float8[]) as u(n, field, value, factor)
         where case field when 'category' then value = d.category when 'farm' then value = d.farm else value = any(d.tags) end) b)"""
#: The points of a document that the rules put first: pins are in their order.
_PINNED = f"coalesce({PIN} * (cardinality(:pins::uuid[]) + 1 - array_position(:pins, d.id)), 0)"


class Form(NamedTuple):
    """What a statement is for: a query with ``words``, its sort, whether it filters by a facet (without that all facets are counted among the
    hits, by a statement that is planned and run faster), whether rules apply, whether it explains its hits, whether it is for members of groups,
    whether a filter has keys (``keys.py``), and whether it is for the market's staff."""

    words: bool
    sort: str
    beside: bool = False
    ruled: bool = False
    explained: bool = False
    grouped: bool = False
    keyed: bool = False
    staff: bool = False


def _points(form: Form, boosted: bool) -> list[str]:
    """The points of a document by each factor: nothing by those that are of words, if there are none."""
    return [
        "0::float8" if name in OF_WORDS and not form.words else f"{factor.most} * ({_SHARES[name]})"
        for name, factor in FACTORS.items()
        if factor.boosted is boosted
    ]


def score(form: Form) -> str:
    """The score in millionths."""
    fixed, boosted = (" + ".join(_points(form, boosted)) for boosted in (False, True))
    ruled = f"({boosted}) * {_BOOSTED} + {_PINNED}" if form.ruled else boosted
    return f"1000000 * ({fixed} + {ruled})"


def why(form: Form) -> str:
    """The parts of the score, in the order of :data:`EXPLAINED`."""
    if not form.explained:
        return "null::float8[]"
    rules = [_BOOSTED, _PINNED] if form.ruled else ["1", "0"]
    return f"array[{', '.join([*_points(form, False), *_points(form, True), *rules])}]::float8[]"


#: The parts of a score: the factors that no boost multiplies, those that the boosts do, the boosts, and the pins.
EXPLAINED = (
    *(name for name, one in FACTORS.items() if not one.boosted),
    *(name for name, one in FACTORS.items() if one.boosted),
)

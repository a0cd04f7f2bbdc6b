"""Rules for the searches of a synthetic catalogue, in a market that has none: words that mean the same, what comes first, what counts more."""

from __future__ import annotations

from typing import Any

from harvestd.loading.synthetic.catalogue import Plan, farm_source

#: What is typed, and what it means as well.
SYNONYMS = ((("courgettes", "zucchini"), ()), (("beetroot", "beets"), ()), (("veg",), ("vegetables",)))
#: What comes first for a word: the two products that sell best of those with that tag.
PINNED = ("honey", "berries")
#: A tag that counts more.
BOOSTED, FACTOR = "organic", 1.5
_ANY = "select exists (select from search_rules)"
_RULE = """insert into search_rules (id, kind, queries, means, product_ids, tag, factor, note, created_at, updated_at)
    values (%s, %s, %s, %s, %s::uuid[], %s, %s, %s, %s, %s)"""
_BEST = """select array(select p.id::text from products p join farms f on f.id = p.farm_id
                         where f.source like %s and p.tags && array[%s] order by p.sales desc, p.slug limit 2)"""


def write(cursor: Any, plan: Plan) -> None:
    """Write the rules."""
    cursor.execute(_ANY)
    if cursor.fetchone()[0]:
        return
    rows: list[tuple[Any, ...]] = [
        ("synonym", list(queries), list(means), [], None, None) for queries, means in SYNONYMS
    ]
    for tag in PINNED:
        cursor.execute(_BEST, (farm_source(plan.seed, 0)[:-1] + "%", tag))
        (found,) = cursor.fetchone()
        if found:
            rows.append(("pin", [tag], [], found, None, None))
    rows.append(("boost", ["vegetables"], [], [], BOOSTED, FACTOR))
    for row in rows:
        cursor.execute(_RULE, (plan.new_id(), *row, "Of the synthetic catalogue.", plan.now, plan.now))

"""The page of a search that is sorted by something else than relevance: the first of all hits in that order, exactly, without looking at all of them.

As many hits as a page has are known among those that were ranked, so what comes after the last of these is on no page yet. What stands no further back is looked
up by the keys of a sort's steps, one after the other. The newest come first where documents are anyhow, in the order of their ids: so many are gone through before all hits
are looked at. With fewer hits than are ranked, these are all that there are. Towards the end of very many all are looked at.
"""

from __future__ import annotations

from harvestd.market.search.postgres.candidates import match
from harvestd.market.search.postgres.conditions import documents
from harvestd.market.search.postgres.orders import Order
from harvestd.market.search.postgres.scoring import Form
from harvestd.store.postgres.statements import LAST_ID

#: So many of the newest documents are gone through for hits.
NEWEST = 4_000
#: More than any rank.
MOST = 2**62

#: The hits of a page are those of ``others``, if there are more than were ranked; ``tables`` come before it.
_PAGE = """
    {tables} select at, id, rank from (
        select at, id, rank from ranked where not (select cut from whether)
        union all {others}) s where {after}"""
_ALL = "select d.ctid as at, d.id, {rank} as rank from {hits} and (select cut from whether)"
_OF_STEPS = """with last as materialized (select min(rank) as rank from (select rank from ranked where {after}) r having count(*) >= :limit),
    narrow as materialized (select a.query && s.query as query from asked a, last, search_steps('{of}', {first}, {last}) s where a.keyed order by s.step {direction})"""
#: Of each step the first, until there are as many as a page has.
_IN_STEPS = "(select f.* from narrow n, lateral (select at, id, rank from ({found}) s where {after}) f limit :limit)"
_OF_NEWEST = """with newest as materialized (
        select d.ctid as at, d.id, {rank} as rank from {walked} and (select cut from whether)
           and not exists (select from search_documents where kind = 'farm') order by d.id desc limit :limit)"""
_WALKED = f"""(select w.ctid, w.* from search_documents w where w.kind = 'product' and w.id < coalesce(:id::uuid, {LAST_ID})
                order by w.id desc limit {NEWEST})"""


def in_order(form: Form, order: Order, after: str) -> str:
    """The rows of a page (its place, its id, its rank) in the order, ``after`` the cursor."""
    every = _ALL.format(rank=order.rank, hits=documents(match(form)))
    if order.steps is not None and (order.steps.of_groups or not form.grouped):
        in_step = _ALL.format(rank=order.rank, hits=documents("d.lexemes @@ n.query"))
        found = _IN_STEPS.format(found=in_step, after=after)
        tables, others = (
            _of_steps(order.steps.of, order.rising, after),
            f"{found} union all {every} and not exists (select from narrow)",
        )
    elif not order.field:
        enough = "(select count(*) from newest) >= :limit"
        tables = _OF_NEWEST.format(rank=order.rank, walked=documents(match(form), of=_WALKED))
        others = f"select at, id, rank from newest where {enough} union all {every} and not ({enough})"
    else:
        tables, others = "", every
    return _PAGE.format(tables=tables, others=others, after=after)


def _of_steps(of: str, rising: bool, after: str) -> str:
    """The steps from where the page begins to a hit that stands no further back than its last. A rank is an amount, or less than nothing by one."""
    if rising:
        first, last = "-coalesce(:rank::bigint, 0)", "-last.rank"
    else:
        first, last = "last.rank", f"coalesce(:rank::bigint, {MOST})"
    of_step = f"search_step('{of}', {{}})"
    return _OF_STEPS.format(
        after=after, of=of, first=of_step.format(first), last=of_step.format(last), direction="" if rising else "desc"
    )  # fmt: skip

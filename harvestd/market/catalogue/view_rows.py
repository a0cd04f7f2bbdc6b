"""The counted views of products, many at once."""

from __future__ import annotations

from collections.abc import Mapping

from harvestd.store.postgres.statements import Statement, scalar
from harvestd.store.postgres.transactions import Transaction

# No other column changes: neither a version, nor what others follow, nor search, nor a cache. Locked in id order, as everything that locks products
# does; a product that an order holds at this moment is left for the next batch instead of being waited for.
_ADD = """with counted as (
           select p.id, v.count from unnest(:ids::uuid[], :counts::bigint[]) as v(id, count) join products p on p.id = v.id
            order by p.id for no key update of p {}
       )
       update products p set view_count = p.view_count + c.count from counted c where p.id = c.id returning p.id::text"""
_ADD_FREE = Statement("views.add_free", _ADD.format("skip locked"), scalar)
_ADD_ALL = Statement("views.add_all", _ADD.format(""), scalar)


async def add(tx: Transaction, counts: Mapping[str, int], *, wait: bool = False) -> set[str]:
    """Add to the views of products by their ids; returns those that were free. With ``wait``, those that are locked are waited for."""
    statement = _ADD_ALL if wait else _ADD_FREE
    return set(await tx.rows(statement, ids=list(counts), counts=list(counts.values())))

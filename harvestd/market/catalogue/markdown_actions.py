"""Use cases of markdowns: announcing one, ending it early, and its end. A price changes in these and in ``actions.py`` alone."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import attrs

from harvestd.kernel.errors import Conflict
from harvestd.market.catalogue import markdown_rules, price_rows
from harvestd.market.catalogue import rows as store
from harvestd.market.catalogue.actions import store_changed
from harvestd.parts import Parts
from harvestd.store.leases import GoingOn, always
from harvestd.unit_of_work import UnitOfWork, change

#: What a markdown changes of a product.
CHANGED = ["price", "prior_price", "markdown"]
#: Markdowns ended in one run; the rest wait for the next.
BATCH = 200


async def announce(unit: UnitOfWork, before: store.Product, price: int, until: datetime, reason: str) -> None:
    """Reduce the price of a locked product until a time, instead of a markdown that it has. Raises what :func:`markdown_rules.announced` does, and
    ``Conflict`` for one that is not on sale."""
    if before.status != "published":
        raise Conflict("only what is on sale can be reduced; publish it first")
    history = await price_rows.since(unit.tx, before.id, unit.now - markdown_rules.BEFORE)
    present = before.offer
    after = markdown_rules.announced(present, price, until, reason, unit.now, history)
    if after != present:
        await store_changed(unit, before, after, CHANGED)


async def withdraw(unit: UnitOfWork, before: store.Product) -> None:
    """End the markdown of a locked product, if it has one."""
    if before.markdown_until is not None:
        await store_changed(unit, before, attrs.evolve(before.offer, markdown=None), CHANGED)


async def finish(unit: UnitOfWork, product_id: str) -> None:
    """End the markdown of a product if it is over by now: whoever comes second, or after it was prolonged, finds nothing to do."""
    product = await store.lock(unit.tx, product_id)
    if product is not None and product.markdown_until is not None and product.markdown_until <= unit.now:
        await withdraw(unit, product)


async def next_due(parts: Parts) -> datetime | None:
    """When the first markdown is over."""
    return await price_rows.next_over(parts.database)


async def finish_all(parts: Parts, going_on: GoingOn = always) -> None:
    """End the markdowns that are over, each in its own unit of work."""
    for product_id in await price_rows.over(parts.database, parts.now(), BATCH):
        if not await going_on():
            break
        await change(parts, partial(finish, product_id=product_id))

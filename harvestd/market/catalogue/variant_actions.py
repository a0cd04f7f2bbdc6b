"""What is done with the pack sizes of products."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from harvestd.market.catalogue import rows as products
from harvestd.market.catalogue import variant_rows as store
from harvestd.market.catalogue.product_events import happened
from harvestd.market.catalogue.variant_rules import Variant, arranged
from harvestd.unit_of_work import UnitOfWork


async def put(unit: UnitOfWork, before: products.Product, given: Sequence[Variant]) -> None:
    """Set the pack sizes of a locked product: all of them, in this order. Those that are the same as before are no change. Raises what
    :func:`variant_rules.arranged` does."""
    present = await store.of_product(unit.tx, before.id)
    after = arranged(given, [one.variant for one in present], before.unit)
    if after == [one.variant for one in present if one.active]:
        return
    named = [one if one.id is not None else attrs.evolve(one, id=unit.new_id()) for one in after]
    await store.put(unit.tx, {before.id: named}, unit.now)
    unit.record(happened("updated", before.known, before.revision + 1, ["variants"]))

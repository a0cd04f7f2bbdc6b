"""Use cases of products, one function each, for every caller: offering one, changing it, archiving it, and adjusting its
stock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Literal

import attrs

from harvestd.kernel.errors import FieldError, Forbidden, NotFound
from harvestd.kernel.permissions import Permission
from harvestd.kernel.slugs import distinct, is_id
from harvestd.market.catalogue import rows as store
from harvestd.market.catalogue import rules as market
from harvestd.market.catalogue import stock_rows as stock
from harvestd.market.catalogue.group_choice import look
from harvestd.market.catalogue.group_rules import among_groups
from harvestd.market.catalogue.product_events import Known, happened
from harvestd.market.catalogue.rules import Offer
from harvestd.market.catalogue.stock_level_rules import restocked
from harvestd.market.farms import rows as farms
from harvestd.market.farms.actions import allowed, refusal
from harvestd.store.postgres.statements import Reader
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.context import Caller


@attrs.frozen
class Farm:
    """The farm that offers a product."""

    id: str
    slug: str


async def offer(unit: UnitOfWork, farm: Farm, begun: Offer, level: Decimal, product_id: str = "") -> str:
    """Offer a new product with a stock of ``level``; returns its id (a new one unless given). :class:`Invalid` for an unknown category."""
    product_id = product_id or unit.new_id()
    slug = await store.insert(unit.tx, product_id, distinct(begun.title, product_id), farm.id, begun, level, unit.now)
    await stock.enter(unit.tx, unit.new_id(), product_id, "initial", level, level, "", unit.now)
    known = Known(product_id, slug, farm.id, farm.slug, bool(begun.visible_to))
    unit.record(happened("created", known, 1, [], [begun.category_id]))
    return product_id


async def locked(unit: UnitOfWork, caller: Caller, permission: Permission, token: str) -> store.Product:
    """A product by id or slug, locked, if the caller may do this with it; :class:`NotFound` for another farm's product, :class:`NoFarm` for a
    farmer who belongs to no farm, of whatever product."""
    found = token if is_id(token) else await store.id_of(unit.tx, token)
    row = await store.lock(unit.tx, found) if found else None
    if row is None:
        raise await refusal(unit.tx, caller, NotFound("there is no such product"))
    await permitted(unit.tx, caller, permission, row)
    return row


async def permitted(reader: Reader, caller: Caller, permission: Permission, product: store.Product) -> None:
    """Raise :class:`NotFound` for another farm's product, and :class:`Forbidden` if the caller's role in its farm does not allow this."""
    if not await allowed(reader, caller, permission, product.farm_id):
        if await farms.role(reader, product.farm_id, caller.user_id) is not None:
            raise Forbidden("your role in the farm does not allow this; ask its owner")
        raise await refusal(reader, caller, NotFound("there is no such product"))


async def change(
    unit: UnitOfWork, before: store.Product, changes: Mapping[str, Any], wrong: Iterable[FieldError] = ()
) -> None:
    """Change the fields that a farm edits. Raises what :func:`rules.amended` does, including the faults already found in the rest of
    the request (``wrong``)."""
    present = before.offer
    other = changes.get("unit", before.unit) != before.unit
    held = await stock.in_open_orders(unit.tx, before.id) if other else market.NOTHING
    changes, unknown = (await look(unit.tx, [changes])).named(changes, present)
    wrong = (*wrong, *unknown)
    after = market.amended(present, changes, wrong, stock=before.stock, held=held, variants=before.variants)
    if after == present:
        return
    altered = [name for name in market.OFFERED if getattr(after, name) != getattr(present, name)]
    await store_changed(unit, before, after, list(dict.fromkeys([*changes, *altered])))


async def archive(unit: UnitOfWork, before: store.Product) -> None:
    """Archive a product; orders that contain it keep it."""
    if before.status == "archived":
        return
    await store_changed(unit, before, attrs.evolve(before.offer, status="archived"), ["status"])


async def store_changed(unit: UnitOfWork, before: store.Product, after: Offer, changed: list[str]) -> None:
    """Store what a locked product is now, and tell of it."""
    quiet = among_groups(before.offer, after)
    await store.update(unit.tx, before.id, after, unit.now, quiet=quiet)
    gone = after.status == "archived" and before.status != "archived"
    kind: Literal["deleted", "updated"] = "deleted" if gone else "updated"
    known, within = before.known.since(bool(after.visible_to)).among(quiet), [before.category_id, after.category_id]
    unit.record(happened(kind, known, before.revision + 1, changed, within))


async def restock(
    unit: UnitOfWork, before: store.Product, *, set_to: Decimal | None, change: Decimal | None, reason: str
) -> Decimal:
    """Set or change the stock, with a row of the ledger; returns the new level. Raises what :func:`stock_level_rules.restocked` does."""
    reason, level = restocked(before.unit, before.stock, before.reserved, set_to=set_to, change=change, reason=reason)
    kind = "restock" if level > before.stock else "correction"
    await stock.set_level(unit.tx, before.id, level, unit.now)
    await stock.enter(unit.tx, unit.new_id(), before.id, kind, level - before.stock, level, reason, unit.now)
    unit.record(happened("updated", before.known, before.revision + 1, ["stock"]))
    return level

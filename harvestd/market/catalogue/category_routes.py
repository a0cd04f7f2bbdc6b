"""Categories: a tree that everyone reads and the market's staff tend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from harvestd.kernel import errors
from harvestd.kernel.errors import FieldError, Invalid, NotFound
from harvestd.kernel.events import Event
from harvestd.kernel.families import CATALOGUE, CATEGORIES, stale
from harvestd.kernel.slugs import candidates
from harvestd.market.catalogue import category_rows as store
from harvestd.market.catalogue import category_rules as market
from harvestd.market.catalogue.category_shapes import Category, ChangeCategory, NewCategory
from harvestd.web.context import Answer, Call, Page


def _shown(row: store.Category) -> Category:
    return Category(
        id=row.id, parent_id=row.parent_id, slug=row.slug, name=row.name, description=row.description, icon=row.icon,
        color=row.color, version=row.version,
    )  # fmt: skip


def faults(call: Call, given: Mapping[str, Any]) -> list[FieldError]:
    """What the market has against fields of a category, whatever the others are."""
    return errors.faults(lambda: market.checked(given))


async def listed(call: Call) -> Page[Category]:
    """The whole tree, by name, in one page."""
    return Page(items=[_shown(row) for row in await store.every(call.reader)], next=None)


async def add(call: Call, body: NewCategory) -> Answer:
    """Add a category."""
    category_id = call.new_id()
    texts = market.checked(msgspec.structs.asdict(body))
    given = texts.pop("slug")
    row = store.Category(**texts, id=category_id, slug="", version=1, created_at=call.now, updated_at=call.now)
    await store.lock_tree(call.tx)
    market.admit(row.name, await store.names_beside(call.tx, row))
    row = await store.insert(call.tx, row, [given] if given else candidates(row.name, category_id))
    await _tell(call, row)
    return Answer(_shown(row), version=1)


async def change(call: Call, body: ChangeCategory) -> Answer:
    """Change a category; it cannot be moved below itself, nor beside one of the same name."""
    placed = body.parent_id is not UNSET or body.name is not UNSET
    if placed:
        await store.lock_tree(call.tx)
    before = await _locked(call)
    changes: dict[str, Any] = {n: v for n in msgspec.structs.asdict(body) if (v := getattr(body, n)) is not UNSET}
    after = msgspec.structs.replace(before, **market.checked(changes), version=before.version + 1, updated_at=call.now)
    if after.parent_id is not None and before.id in await store.above(call.tx, after.parent_id):
        raise Invalid.of("parent_id", "is this category or one below it", "below-itself")
    if placed:
        market.admit(after.name, await store.names_beside(call.tx, after))
    await store.update(call.tx, after)
    changed = [name for name in changes if getattr(after, name) != getattr(before, name)]
    data = {"category_id": after.id, "changed": changed, "families": [CATEGORIES, CATALOGUE]}
    event = Event("category.updated", f"category:{after.id}", after.version, data)
    call.work.record(event)
    return Answer(_shown(after), version=after.version)


async def remove(call: Call) -> None:
    """Delete a category that nothing is in."""
    before = await _locked(call)
    await store.delete(call.tx, before.id)
    await _tell(call, before)


async def _locked(call: Call) -> store.Category:
    row = await store.lock(call.tx, call.id("id"))
    if row is None:
        raise NotFound("there is no such category")
    call.check_version(row.version)
    return row


async def _tell(call: Call, row: store.Category) -> None:
    event = stale(f"category:{row.id}", row.version, CATEGORIES, CATALOGUE)
    call.work.record(event)

"""Categories: a tree that everyone reads and the market's staff tend."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from harvestd.market import slugs
from harvestd.market.errors import Invalid, NotFound
from harvestd.market.families import CATALOGUE, CATEGORIES, stale
from harvestd.store import categories as store
from harvestd.store import outbox
from harvestd.web.call import Answer, Call, Page
from harvestd.web.shapes.categories import Category, ChangeCategory, NewCategory


def _shown(row: store.Category) -> Category:
    return Category(
        id=row.id, parent_id=row.parent_id, slug=row.slug, name=row.name, description=row.description, icon=row.icon,
        color=row.color, version=row.version,
    )  # fmt: skip


async def listed(call: Call) -> Page[Category]:
    """The whole tree, by name, in one page."""
    return Page(items=[_shown(row) for row in await store.every(call.reader)], next=None)


async def add(call: Call, body: NewCategory) -> Answer:
    """Add a category."""
    category_id = call.new_id()
    row = store.Category(
        id=category_id, parent_id=body.parent_id, slug=body.slug or slugs.slug(body.name), name=body.name,
        description=body.description, icon=body.icon, color=body.color, version=1, created_at=call.now, updated_at=call.now,
    )  # fmt: skip
    await store.insert(call.tx, row)
    await _tell(call, row)
    return Answer(_shown(row), version=1)


async def change(call: Call, body: ChangeCategory) -> Answer:
    """Change a category; it cannot be moved below itself."""
    before = await _locked(call)
    changes: dict[str, Any] = {n: v for n in msgspec.structs.asdict(body) if (v := getattr(body, n)) is not UNSET}
    after = msgspec.structs.replace(before, **changes, version=before.version + 1, updated_at=call.now)
    if after.parent_id is not None and before.id in await store.above(call.tx, after.parent_id):
        raise Invalid.of("parent_id", "is this category or one below it")
    await store.update(call.tx, after)
    await _tell(call, after)
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
    outbox.record(call.tx, [event], call.new_id, call.now)

"""Use cases of the category tree, one function each, for every caller."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from harvestd.kernel import translations
from harvestd.kernel.errors import FieldError, Invalid, NotFound
from harvestd.kernel.events import Event
from harvestd.kernel.families import CATALOGUE, CATEGORIES, stale
from harvestd.kernel.slugs import candidates
from harvestd.market.catalogue import category_rows as store
from harvestd.market.catalogue import category_rules as market
from harvestd.unit_of_work import UnitOfWork


async def add(unit: UnitOfWork, given: Mapping[str, Any], wrong: Iterable[FieldError] = ()) -> store.Category:
    """Add a category, given all fields of its body, and what was ``wrong`` with some already. Raises what :func:`category_rules.checked` and ``admit`` do, and what the rows do."""
    texts = market.checked(given, wrong)
    category_id, slug = unit.new_id(), texts.pop("slug")
    row = store.Category(**texts, id=category_id, slug="", version=1, created_at=unit.now, updated_at=unit.now)
    await store.lock_tree(unit.tx)
    if row.parent_id is not None:
        market.nest(len(await store.above(unit.tx, row.parent_id)), 1)
    market.admit(row.name, await store.names_beside(unit.tx, row))
    row = await store.insert(unit.tx, row, [slug] if slug else candidates(row.name, category_id))
    _tell(unit, row)
    return row


async def change(
    unit: UnitOfWork, category_id: str, changes: Mapping[str, Any], check_version: Callable[[int], None], wrong: Iterable[FieldError] = ()
) -> store.Category:  # fmt: skip
    """Change a category; it cannot move below itself, nor so far down that those below it nest too deep, nor beside one of the same name. ``check_version`` is called once it is locked."""
    placed = "parent_id" in changes or "name" in changes
    if placed:
        await store.lock_tree(unit.tx)
    before = await _locked(unit, category_id, check_version)
    if translations.FIELD in changes:
        texts = translations.merged(before.translations, changes[translations.FIELD], market.TRANSLATED)
        changes, wrong = {**changes, translations.FIELD: texts}, [*wrong, *translations.lacking(texts, "name")]
    checked = market.checked(changes, wrong)
    if all(getattr(before, name) == value for name, value in checked.items()):
        return before
    after = msgspec.structs.replace(before, **checked, version=before.version + 1, updated_at=unit.now)
    if after.parent_id is not None and after.parent_id != before.parent_id:
        await _check_place(unit, before.id, after.parent_id)
    if placed:
        market.admit(after.name, await store.names_beside(unit.tx, after))
    await store.update(unit.tx, after)
    changed = [name for name in changes if getattr(after, name) != getattr(before, name)]
    data = {"category_id": after.id, "changed": changed, "families": [CATEGORIES, CATALOGUE]}
    unit.record(Event("category.updated", f"category:{after.id}", after.version, data))
    return after


async def _check_place(unit: UnitOfWork, category_id: str, parent_id: str) -> None:
    """Raise :class:`Invalid` if a category cannot move below another. No other one moves while the tree is locked."""
    above = await store.above(unit.tx, parent_id)
    if category_id in above:
        raise Invalid.of("parent_id", "is this category or one below it", "below-itself")
    market.nest(len(above), await store.levels(unit.tx, category_id))


async def remove(unit: UnitOfWork, category_id: str, check_version: Callable[[int], None]) -> None:
    """Delete an empty category."""
    before = await _locked(unit, category_id, check_version)
    await store.delete(unit.tx, before.id)
    _tell(unit, before)


async def _locked(unit: UnitOfWork, category_id: str, check_version: Callable[[int], None]) -> store.Category:
    row = await store.lock(unit.tx, category_id)
    if row is None:
        raise NotFound("there is no such category")
    check_version(row.version)
    return row


def _tell(unit: UnitOfWork, row: store.Category) -> None:
    unit.record(stale(f"category:{row.id}", row.version, CATEGORIES, CATALOGUE))

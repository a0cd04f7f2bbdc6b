"""Use cases of the rules for searches, one function each, for every caller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from harvestd.kernel.errors import FieldError, Invalid, NotFound
from harvestd.kernel.families import RULES, stale
from harvestd.kernel.names import accept
from harvestd.market.search import rule_rows as rows
from harvestd.market.search import rules
from harvestd.unit_of_work import UnitOfWork

NO_RULE = "there is no such rule"
#: The fields that change.
CHANGEABLE = ("queries", *rules.OF_KINDS, "note", "active")
#: What lists the things that a field may name.
_LISTS = {"product_ids": "GET /api/products", "category_id": "GET /api/categories", "farm_id": "GET /api/farms"}


async def create(unit: UnitOfWork, given: Mapping[str, Any]) -> rows.SearchRule:
    """Make a rule, given all fields of its body. Raises ``Invalid``."""
    texts = rules.checked(given["kind"], given)
    if await rows.number(unit.tx) >= rules.MAX_RULES:
        message = f"a market has {rules.MAX_RULES:,} rules at most; delete one first"
        raise Invalid.of("kind", message, "not-accepted", reason="too-many-rules")
    made = rows.SearchRule(**_lists(texts), id=unit.new_id(), version=1, created_at=unit.now, updated_at=unit.now)
    await _check(unit, made)
    await rows.insert(unit.tx, made)
    _tell(unit, made)
    return made


async def change(
    unit: UnitOfWork, rule_id: str, given: Mapping[str, Any], check_version: Callable[[int], None]
) -> tuple[rows.SearchRule, rows.SearchRule]:
    """Change a rule; returns what it was and what it is. Raises what :func:`create` does, and ``NotFound``. ``check_version`` is called
    once it is locked."""
    before = await _locked(unit, rule_id, check_version)
    now = {name: getattr(before, name) for name in CHANGEABLE}
    texts = _lists(rules.checked(before.kind, {**now, **given}))
    if texts == now:
        return before, before
    after = msgspec.structs.replace(before, **texts, version=before.version + 1, updated_at=unit.now)
    await _check(unit, after)
    await rows.update(unit.tx, after)
    _tell(unit, after)
    return before, after


async def delete(unit: UnitOfWork, rule_id: str, check_version: Callable[[int], None]) -> rows.SearchRule:
    """Delete a rule; returns what it was. Raises ``NotFound``."""
    before = await _locked(unit, rule_id, check_version)
    await rows.delete(unit.tx, rule_id)
    _tell(unit, before)
    return before


async def _locked(unit: UnitOfWork, rule_id: str, check_version: Callable[[int], None]) -> rows.SearchRule:
    found = await rows.lock(unit.tx, rule_id)
    if found is None:
        raise NotFound(NO_RULE)
    check_version(found.version)
    return found


async def _check(unit: UnitOfWork, rule: rows.SearchRule) -> None:
    """Raise ``Invalid`` for a rule about something that is not there."""
    strange = await rows.strange(unit.tx, rule)
    accept(
        *(
            FieldError(field, "does not exist", code="not-found", params={"list": _LISTS[field.partition("[")[0]]})
            for field in strange
        )
    )


def _lists(texts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in texts.items()}


def _tell(unit: UnitOfWork, rule: rows.SearchRule) -> None:
    """Searches are answered by it from now on, here; the other processes are told by the database itself, and shared caches by the event."""
    unit.record(stale(f"search_rule:{rule.id}", rule.version, RULES))
    unit.on_commit(lambda: unit.parts.search_rules.changed())

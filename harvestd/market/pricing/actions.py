"""Use cases of fees, tax rates and coupons, one function each, for every caller and every kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic

import attrs
import msgspec

from harvestd.kernel.errors import AlreadyTaken, FieldError, Invalid, NotFound
from harvestd.market.catalogue import category_rows as categories
from harvestd.market.farms import rows as farms
from harvestd.market.pricing import rows, rules
from harvestd.market.pricing.rows import Row, Table
from harvestd.unit_of_work import UnitOfWork


@attrs.frozen
class Kind(Generic[Row]):
    """A kind: its name (of events in the audit log), its table, what checks it, how many one owner may have, and what is said of one too many."""

    name: str
    table: Table[Row]
    checked: Callable[[Mapping[str, Any]], dict[str, Any]]
    most: int

    @property
    def fields(self) -> tuple[str, ...]:
        """What is given of one."""
        given = ("version", "created_at", "updated_at", "id", "taken", "code_key")
        return tuple(name for name in self.table.row.__struct_fields__ if name not in given)


FEE = Kind("fee", rows.FEES, rules.fee, rules.MAX_FEES)
TAX_RATE = Kind("tax_rate", rows.TAX_RATES, rules.tax_rate, rules.MAX_RATES)
COUPON = Kind("coupon", rows.COUPONS, rules.coupon, rules.MAX_COUPONS)
#: Whether somebody may do with one of this farm, or of the market, what they ask for: raises :class:`NotFound` unless they may.
Allowed = Callable[[str | None], Awaitable[None]]


async def create(unit: UnitOfWork, kind: Kind[Row], given: Mapping[str, Any]) -> Row:
    """Make one, given all fields. Raises ``Invalid``, and ``AlreadyTaken`` for a coupon's code that another has."""
    texts = kind.checked(given)
    await rows.lock_all(unit.tx)
    farm_id = given.get("farm_id")
    if await rows.number(unit.tx, kind.table, farm_id) >= kind.most:
        message = f"there are {kind.most:,} already, the most that are possible; delete one first"
        raise Invalid.of("name" if "name" in given else "code", message, "not-accepted", reason="too-many-charges")
    more: dict[str, Any] = {"id": unit.new_id(), "version": 1, "created_at": unit.now, "updated_at": unit.now}
    values: dict[str, Any] = {**texts, **more, **({"taken": 0} if "code" in texts else {})}
    made = kind.table.row(**values)
    await _check(unit, made)
    await rows.insert(unit.tx, kind.table, made)
    _changed(unit, kind)
    return made


async def change(
    unit: UnitOfWork, kind: Kind[Row], id: str, given: Mapping[str, Any], allowed: Allowed
) -> tuple[Row, Row]:
    """Change one; returns what it was and what it is. Raises what :func:`create` does, and ``NotFound``."""
    await rows.lock_all(unit.tx)
    before = await _locked(unit, kind, id, allowed)
    texts = kind.checked({**{name: getattr(before, name) for name in kind.fields}, **given})
    if all(getattr(before, name) == value for name, value in texts.items()):
        return before, before
    after = msgspec.structs.replace(before, **texts, version=before.version + 1, updated_at=unit.now)
    await _check(unit, after)
    await rows.update(unit.tx, kind.table, after)
    _changed(unit, kind)
    return before, after


async def delete(unit: UnitOfWork, kind: Kind[Row], id: str, allowed: Allowed) -> Row:
    """Delete one; orders keep the rules by which they were billed. Returns what it was. Raises ``NotFound``."""
    before = await _locked(unit, kind, id, allowed)
    await rows.delete(unit.tx, kind.table, id)
    _changed(unit, kind)
    return before


async def _locked(unit: UnitOfWork, kind: Kind[Row], id: str, allowed: Allowed) -> Row:
    found = await rows.lock(unit.tx, kind.table, id)
    await allowed(getattr(found, "farm_id", None))
    if found is None:
        raise missing(kind)
    return found


def _changed(unit: UnitOfWork, kind: Kind[Any]) -> None:
    """This process forgets what it knew at the commit; the others are told by the database itself. Coupons are remembered by nobody."""
    if kind is not COUPON:
        unit.on_commit(unit.parts.pricing.changed)


def missing(kind: Kind[Any]) -> NotFound:
    """For one that is not there, or somebody else's."""
    return NotFound(_MISSING[kind.name])


_MISSING = {
    "fee": "there is no such fee", "tax_rate": "there is no such tax rate", "coupon": "there is no such coupon",
}  # fmt: skip


async def _check(unit: UnitOfWork, row: Any) -> None:
    """Raise ``Invalid`` for a farm or category that is not there, ``AlreadyTaken`` for a code that another coupon has."""
    if isinstance(row, rows.Coupon) and await rows.with_code(unit.tx, row.code_key) not in (None, row.id):
        message = "another coupon has this code; choose another"
        raise AlreadyTaken(errors=(FieldError("code", message, code="taken", params={"reason": "coupon"}),))
    if isinstance(row, rows.Coupon) and row.uses_most is not None and row.uses_most < row.taken:
        message = f"it was used {row.taken:,} times already; give at least as many"
        raise Invalid.of("max_uses", message, "below-minimum", minimum=str(row.taken), reason="coupon-used")
    if isinstance(row, rows.TaxRate):
        if row.category_id is not None and not await categories.exists(unit.tx, row.category_id):
            raise Invalid.of("category_id", "does not exist", "not-found", list="GET /api/categories")
    elif row.farm_id is not None and await farms.find(unit.tx, row.farm_id) is None:
        raise Invalid.of("farm_id", "does not exist", "not-found", list="GET /api/farms")

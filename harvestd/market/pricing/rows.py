"""Rows of fees, tax rates and coupons: each kind is a table with the same statements."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Generic, TypeVar

import attrs
import msgspec

from harvestd.interfaces.pricing import Charge, Charges
from harvestd.interfaces.pricing import TaxRate as Rate
from harvestd.store import counting
from harvestd.store.postgres.statements import LAST_ID, Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction


class Fee(msgspec.Struct, frozen=True):
    """A fee, of a farm or of the market."""

    id: str
    farm_id: str | None
    name: str
    basis: str
    amount: int
    rate: int
    free_from: int | None
    method: str | None
    postcodes: list[str] | None
    first: date | None
    last: date | None
    version: int
    created_at: datetime
    updated_at: datetime


class TaxRate(msgspec.Struct, frozen=True):
    """The tax of a category, or of everything that has no other."""

    id: str
    name: str
    category_id: str | None
    rate: int
    first: date | None
    last: date | None
    version: int
    created_at: datetime
    updated_at: datetime


class Coupon(msgspec.Struct, frozen=True):
    """A coupon, of a farm or of the market; ``taken`` is how often it is used."""

    id: str
    farm_id: str | None
    code: str
    code_key: str
    percent: int | None
    amount: int | None
    minimum: int
    first: date | None
    last: date | None
    uses_most: int | None
    each_most: int | None
    active: bool
    taken: int
    version: int
    created_at: datetime
    updated_at: datetime


Row = TypeVar("Row", Fee, TaxRate, Coupon)
#: What nobody changes, or only the orders do.
_FIXED = ("id", "farm_id", "created_at", "taken")


@attrs.frozen
class Table(Generic[Row]):
    """The statements of one kind. A list is of all, of one farm, or of several; where nothing is a farm's, always of all."""

    row: type[Row]
    one: Statement[Row]
    lock: Statement[Row]
    listed: Statement[Row]
    count: Statement[int]
    insert: Statement[None]
    update: Statement[None]
    delete: Statement[None]
    number: Statement[int]

    @classmethod
    def of(cls, name: str, row: type[Row]) -> Table[Row]:
        """The statements of the table ``name``, by the fields of its rows."""
        names = row.__struct_fields__
        columns, changed = ", ".join(names), [one for one in names if one not in _FIXED]
        owned = "farm_id" in names
        which = "(:farms::uuid[] is null or farm_id = any(:farms::uuid[]))" if owned else ":farms::uuid[] is null"
        whose = "farm_id is not distinct from :farm_id::uuid" if owned else ":farm_id::uuid is null"
        return cls(
            row=row,
            one=Statement(f"{name}.one", f"select {columns} from {name} where id = :id", row),
            lock=Statement(f"{name}.lock", f"select {columns} from {name} where id = :id for update", row),
            listed=Statement(
                f"{name}.list",
                f"""select {columns} from {name} where id < coalesce(:after::uuid, {LAST_ID}) and {which}
                     order by id desc limit :limit""",
                row,
            ),
            count=counting.counting(f"{name}.count", f"{name} where {which}"),
            insert=Statement(
                f"{name}.insert", f"insert into {name} ({columns}) values ({', '.join(f':{one}' for one in names)})", nothing
            ),
            update=Statement(
                f"{name}.update", f"update {name} set {', '.join(f'{one} = :{one}' for one in changed)} where id = :id", nothing
            ),
            delete=Statement(f"{name}.delete", f"delete from {name} where id = :id", nothing),
            number=Statement(f"{name}.number", f"select count(*) from {name} where {whose}", scalar),
        )  # fmt: skip


FEES, TAX_RATES, COUPONS = Table.of("fees", Fee), Table.of("tax_rates", TaxRate), Table.of("coupons", Coupon)
#: The advisory lock that serialises what is counted or unique of them ("PRICING" in ASCII).
_LOCK_ALL = Statement("pricing.lock_all", "select pg_advisory_xact_lock(x'50524943494e47'::bigint)", nothing)
_CODE = Statement("coupons.with_code", "select id::text from coupons where code_key = :code_key", scalar)
_FEES = Statement(
    "pricing.fees",
    "select id, farm_id, name, basis, amount, rate, free_from, method, postcodes, first, last from fees order by id",
    lambda id, farm_id, name, basis, amount, rate, free_from, method, postcodes, first, last: Charge(
        id=id, farm_id=farm_id, name=name, basis=basis, amount=amount, rate=rate, free_from=free_from, method=method,
        postcodes=None if postcodes is None else tuple(postcodes), first=first, last=last,
    ),
)  # fmt: skip
_RATES = Statement(
    "pricing.rates",
    "select category_id, rate, first, last from tax_rates order by id",
    lambda category_id, rate, first, last: Rate(category_id=category_id, rate=rate, first=first, last=last),
)
_ABOVE = Statement(
    "pricing.above",
    "select id::text, parent_id::text from categories where parent_id is not null",
    lambda id, parent_id: (id, parent_id),
)


async def charges(reader: Reader) -> Charges:
    """All fees and tax rates, and the tree of categories as far as any rate needs it."""
    fees, rates = await reader.rows(_FEES), await reader.rows(_RATES)
    above = await reader.rows(_ABOVE) if any(one.category_id is not None for one in rates) else []
    return Charges(fees=tuple(fees), rates=tuple(rates), above=dict(above))


async def one(reader: Reader, table: Table[Row], id: str) -> Row | None:
    """A row."""
    return await reader.row(table.one, id=id)


async def lock(tx: Transaction, table: Table[Row], id: str) -> Row | None:
    """A row, locked until the transaction ends."""
    return await tx.row(table.lock, id=id)


async def listed(
    reader: Reader, table: Table[Row], after: str | None, limit: int, farms: list[str] | None
) -> list[Row]:
    """Rows, newest first: all, or those of some farms."""
    return await reader.rows(table.listed, after=after, limit=limit, farms=farms)


async def count(reader: Reader, table: Table[Row], farms: list[str] | None) -> int:
    """How many there are."""
    return await counting.count(reader, table.count, farms=farms)


async def lock_all(tx: Transaction) -> None:
    """Until the transaction ends nobody else makes one, or gives a coupon another code."""
    await tx.row(_LOCK_ALL)


async def number(tx: Transaction, table: Table[Row], farm_id: str | None) -> int:
    """How many a farm has, or the market."""
    return await tx.row(table.number, farm_id=farm_id) or 0


async def with_code(tx: Transaction, code_key: str) -> str | None:
    """The id of the coupon with this code."""
    return await tx.row(_CODE, code_key=code_key)


async def insert(tx: Transaction, table: Table[Row], row: Row) -> None:
    """Store a new one."""
    await tx.run(table.insert, **msgspec.structs.asdict(row))


async def update(tx: Transaction, table: Table[Row], row: Row) -> None:
    """Store a changed one, which is locked."""
    columns: dict[str, Any] = msgspec.structs.asdict(row)
    await tx.run(table.update, **{name: columns[name] for name in table.update.names})


async def delete(tx: Transaction, table: Table[Row], id: str) -> None:
    """Delete one."""
    await tx.run(table.delete, id=id)

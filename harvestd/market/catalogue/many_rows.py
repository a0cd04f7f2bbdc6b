"""Many products at once: the rows that a request names, locked, and what becomes of them, each kind of change in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs
import msgspec
from psycopg2 import errors as pg

from harvestd.market.catalogue.offer_columns import COLUMNS, KEPT_AS_JSON, columns_of
from harvestd.market.catalogue.rows import SELECT, Product
from harvestd.market.catalogue.rules import Offer
from harvestd.store.postgres.statements import Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction

#: PostgreSQL's types of the columns that are no text.
_TYPES = {
    "price": "bigint", "price_per": "numeric", "estimated_weight": "numeric", "quantity_step": "numeric", "min_quantity": "numeric", "category_id": "uuid",
    "harvested_on": "date", "durability_date": "date", "tags": "text[]", "allergens": "text[]", "certifications": "jsonb", "metadata": "jsonb", "translations": "jsonb",
    "visible_to": "uuid[]", "group_prices": "jsonb", "regular_price": "bigint", "prior_price": "bigint", "markdown_until": "timestamptz",
}  # fmt: skip
_NAMES = ", ".join(COLUMNS)
_AS = ", ".join(f"{name} {_TYPES.get(name, 'text')}" for name in COLUMNS)
_RECORDS = "jsonb_to_recordset(:rows::jsonb) as n(id uuid, slug text, stock numeric, edited integer, quiet integer"

# Locked in id order, as everything that locks products does.
_LOCK = Statement(
    "many.lock",
    f"""{SELECT} where p.id in (
            select id from products where farm_id = :farm_id and id = any(:ids::uuid[])
            union select id from products where farm_id = :farm_id and external_id = any(:external_ids::text[])
            union select id from products where farm_id = :farm_id and sku <> '' and sku = any(:skus::text[]))
        order by p.id for no key update of p""",
    Product,
)
_HELD = Statement(
    "many.held",
    """select l.product_id, sum(r.quantity)
         from order_lines l join reservations r on r.line_id = l.id join order_parts p on p.order_id = l.order_id and p.farm_id = l.farm_id
        where l.product_id = any(:ids::uuid[]) and r.state in ('live', 'sold') and p.status not in ('completed', 'cancelled', 'expired')
        group by l.product_id""",
    lambda product_id, quantity: (product_id, quantity),
)
# A category stays until the products are in it.
_CATEGORIES = Statement(
    "many.categories", "select id::text from categories where id = any(:ids::uuid[]) order by id for key share", scalar
)
# In one order, so that of two who insert the same ids none waits for the other in a circle.
_INSERT = Statement(
    "many.insert",
    f"""insert into products (id, slug, farm_id, stock, created_at, updated_at, {_NAMES})
        select id, slug, :farm_id, stock, :now, :now, {_NAMES} from {_RECORDS}, {_AS}) order by external_id, id
        on conflict do nothing returning id::text""",
    scalar,
)
_UPDATE = Statement(
    "many.update",
    f"""update products p set {", ".join(f"{name} = n.{name}" for name in COLUMNS)}, stock = n.stock,
               version = p.version + n.edited, quiet = p.quiet + n.quiet, revision = p.revision + 1, updated_at = :now
          from {_RECORDS}, {_AS}) where p.id = n.id""",
    nothing,
)
_ENTER = Statement(
    "many.enter",
    """insert into stock_ledger (id, product_id, kind, change, level, reason, created_at)
       select e.id, e.product_id, e.kind, e.change, e.level, :reason, :now
         from unnest(:entry_ids::uuid[], :product_ids::uuid[], :kinds::text[], :changes::numeric[], :levels::numeric[])
              as e(id, product_id, kind, change, level)""",
    nothing,
)


@attrs.frozen
class Entry:
    """A row of the stock ledger; ``level`` is the stock after it."""

    id: str
    product_id: str
    kind: str
    change: Decimal
    level: Decimal


@attrs.frozen
class Written:
    """A product as it is to be stored; ``edited`` is whether more than its stock is, ``quiet`` whether of that groups alone are told."""

    id: str
    offer: Offer
    stock: Decimal
    slug: str = ""
    edited: bool = True
    quiet: bool = False


async def lock(
    tx: Transaction, farm_id: str, ids: Sequence[str], external_ids: Sequence[str], skus: Sequence[str]
) -> list[Product]:
    """The farm's products with any of these, locked in id order."""
    return await tx.rows(_LOCK, farm_id=farm_id, ids=list(ids), external_ids=list(external_ids), skus=list(skus))


async def held(tx: Transaction, ids: Sequence[str]) -> dict[str, Decimal]:
    """How much of each locked product orders reserve, or may still return."""
    return dict(await tx.rows(_HELD, ids=list(ids)))


async def categories(tx: Transaction, ids: Sequence[str]) -> set[str]:
    """Those of the categories that exist, and stay until the transaction ends."""
    return set(await tx.rows(_CATEGORIES, ids=list(ids)))


async def insert(tx: Transaction, farm_id: str, new: Sequence[Written], now: datetime) -> set[str]:
    """Store new products; returns the ids of those whose slug and own id nobody had."""
    return set(await tx.rows(_INSERT, farm_id=farm_id, rows=_records(new), now=now))


async def update(tx: Transaction, changed: Sequence[Written], now: datetime) -> None:
    """Store locked products as they are now. One whose own id somebody else has taken meanwhile has the transaction run again, which then
    sees that."""
    try:
        await tx.run(_UPDATE, rows=_records(changed), now=now)
    except pg.UniqueViolation as error:
        raise pg.SerializationFailure("an external id was taken meanwhile") from error


def enter(tx: Transaction, entries: Sequence[Entry], reason: str, now: datetime) -> None:
    """Write ledger rows that are not from orders, by the end of the transaction."""
    tx.later(
        _ENTER, entry_ids=[e.id for e in entries], product_ids=[e.product_id for e in entries], kinds=[e.kind for e in entries],
        changes=[e.change for e in entries], levels=[e.level for e in entries], reason=reason, now=now,
    )  # fmt: skip


def _records(products: Sequence[Written]) -> str:
    return msgspec.json.encode([_record(one) for one in products]).decode()


def _record(one: Written) -> Mapping[str, Any]:
    found = columns_of(one.offer)
    encoded = {name: msgspec.Raw(found[name].encode()) for name in KEPT_AS_JSON if found[name] is not None}
    return {
        **found,
        **encoded,
        "id": one.id,
        "slug": one.slug,
        "stock": one.stock,
        "edited": int(one.edited),
        "quiet": int(one.quiet),
    }

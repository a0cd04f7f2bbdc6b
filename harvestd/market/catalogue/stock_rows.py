"""Stock: reservations, the writes of an effect, and the ledger. The products themselves are locked by ``shelf_rows.py``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from harvestd.market.catalogue.stock_rules import Effect, Held
from harvestd.store.postgres.statements import Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction


def _held(*columns: object) -> Held:
    names = ("line_id", "order_id", "farm_id", "product_id", "quantity", "state", "awaits_farm", "until")
    return Held(**dict(zip(names, columns, strict=True)))  # type: ignore[arg-type]


# Locked in line order, so that a settlement, a cancellation and the clock never hold one reservation at the same time.
_HELD = Statement(
    "stock.held",
    """select r.line_id, r.order_id, l.farm_id, r.product_id, r.quantity, r.state, r.expires_at is not null, r.expires_at
         from reservations r join order_lines l on l.id = r.line_id
        where r.order_id = any(:order_ids::uuid[]) order by r.line_id for no key update of r""",
    _held,
)
_APPLY = Statement(
    "stock.apply",
    """with states as (
           update reservations r set state = s.state, quantity = coalesce(s.quantity, r.quantity), changed_at = :now
             from unnest(:reserved_lines::uuid[], :states::text[], :quantities::numeric[]) as s(line_id, state, quantity) where r.line_id = s.line_id
       ), entries as (
           insert into stock_ledger (id, product_id, kind, change, level, line_id, created_at)
           select e.id, e.product_id, e.kind, e.change, e.level, e.line_id, :now
             from unnest(:entry_ids::uuid[], :entry_products::uuid[], :kinds::text[], :changes::numeric[], :levels::numeric[], :entry_lines::uuid[])
                  as e(id, product_id, kind, change, level, line_id)
       )
       update products p
          set stock = p.stock + c.stock, reserved = p.reserved + c.reserved, sales = p.sales + c.sales,
              revision = p.revision + (p.id = any(:revised::uuid[]))::integer
         from unnest(:product_ids::uuid[], :stocks::numeric[], :reserveds::numeric[], :sales::integer[]) as c(id, stock, reserved, sales)
        where p.id = c.id""",
    nothing,
)
_ENTER = Statement(
    "stock.enter",
    """insert into stock_ledger (id, product_id, kind, change, level, reason, created_at)
       values (:entry_id, :product_id, :kind, :change, :level, :reason, :now)""",
    nothing,
)
_SET = Statement(
    "stock.set",
    "update products set stock = :level, revision = revision + 1, updated_at = :now where id = :product_id",
    nothing,
)

# Sold goods may be returned, too, until their part of the order has ended.
_IN_OPEN_ORDERS = Statement(
    "stock.in_open_orders",
    """select coalesce(sum(r.quantity), 0)
         from order_lines l join reservations r on r.line_id = l.id join order_parts p on p.order_id = l.order_id and p.farm_id = l.farm_id
        where l.product_id = :product_id and r.state in ('live', 'sold') and p.status not in ('completed', 'cancelled', 'expired')""",
    scalar,
)


async def in_open_orders(tx: Transaction, product_id: str) -> Decimal:
    """How much of a locked product orders reserve, or may still return."""
    return await tx.row(_IN_OPEN_ORDERS, product_id=product_id) or Decimal(0)


async def held(tx: Transaction, order_ids: Sequence[str]) -> list[Held]:
    """The reservations of some orders, locked in line order."""
    return await tx.rows(_HELD, order_ids=list(order_ids))


async def apply(tx: Transaction, effect: Effect, new_id: Callable[[], str], now: datetime) -> None:
    """Store an effect: reservations, ledger and products, in one statement."""
    if not (effect.states or effect.products):
        return
    entries, products = effect.entries, sorted(effect.products.items())
    await tx.run(
        _APPLY,
        reserved_lines=list(effect.states), states=list(effect.states.values()), quantities=[effect.quantities.get(line_id) for line_id in effect.states],
        entry_products=[e.product_id for e in entries], kinds=[e.kind for e in entries], changes=[e.change for e in entries], levels=[e.level for e in entries],
        product_ids=[p for p, _ in products], stocks=[c[0] for _, c in products], reserveds=[c[1] for _, c in products],
        now=now, entry_ids=[new_id() for _ in entries], entry_lines=[e.line_id for e in entries], revised=sorted(effect.revised), sales=[c[2] for _, c in products],
    )  # fmt: skip


async def enter(
    tx: Transaction,
    entry_id: str,
    product_id: str,
    kind: str,
    change: Decimal,
    level: Decimal,
    reason: str,
    now: datetime,
) -> None:
    """Write a ledger row that is not from an order: initial, restock or correction."""
    await tx.run(
        _ENTER, entry_id=entry_id, product_id=product_id, kind=kind, change=change, level=level, reason=reason, now=now
    )


async def set_level(tx: Transaction, product_id: str, level: Decimal, now: datetime) -> None:
    """Set the stock of a locked product; the ledger row is the caller's."""
    await tx.run(_SET, product_id=product_id, level=level, now=now)

"""The orders of a person whose account is closed, or who asks what is held on them."""

from __future__ import annotations

from harvestd.kernel.errors import Conflict
from harvestd.kernel.sentences import worded
from harvestd.market.accounts.closing_actions import Closed, Leaving
from harvestd.market.accounts.export_actions import Exported
from harvestd.market.accounts.export_rows import section
from harvestd.market.orders import actions, quote_rows, quoting
from harvestd.market.orders.retention import erase
from harvestd.queue.envelope import Envelope
from harvestd.store.postgres.statements import Statement, scalar
from harvestd.unit_of_work import UnitOfWork

_OPEN = Statement(
    "orders_closing.open",
    """select number from orders where buyer_id = :user_id and status not in ('completed', 'cancelled', 'expired')
        order by id limit 1""",
    scalar,
)
_STILL_OPEN = Statement(
    "orders_closing.still_open",
    """select id::text from orders where buyer_id = :user_id and status not in ('completed', 'cancelled', 'expired') order by id""",
    scalar,
)
_OF_BUYER = Statement(
    "orders_closing.of_buyer", "select id::text from orders where buyer_id = :user_id and erased_at is null", scalar
)
_OF_DAY = Statement(
    "orders_closing.of_day",
    """select distinct p.order_id::text from order_parts p join windows w on w.id = p.window_id
        where w.day_id = :day_id and p.status not in ('completed', 'cancelled', 'expired') order by 1""",
    scalar,
)
_LINES = """(select json_agg(l) from (select title, quantity::text, unit, unit_price, total, substitution, note from order_lines
                                where order_id = o.id and removed_at is null order by position) l) as lines"""
_HELD = section(
    "orders",
    (
        "id",
        "number",
        "status",
        "currency",
        "goods",
        "fees",
        "tax",
        "discount",
        "total",
        "fulfilment",
        "note",
        "placed_at",
        _LINES,
    ),
    "orders o where buyer_id = :user_id",
)


async def refuse(unit: UnitOfWork, leaving: Leaving) -> None:
    """Raise ``Conflict`` while an order of whoever leaves is open."""
    number = await unit.tx.row(_OPEN, user_id=leaving.user_id)
    if number is not None:
        raise Conflict(worded("order {number} is still open; cancel it, or wait until it is complete", number=number))


async def forget(unit: UnitOfWork, closed: Closed) -> None:
    """Keep what was bought, for the books; erase where it went, and what the buyer wrote."""
    for quote_id in await quote_rows.of_user(unit.tx, closed.user_id):
        await quoting.end(unit, quote_id)
    await erase(unit, await unit.tx.rows(_OF_BUYER, user_id=closed.user_id))


async def sweep(unit: UnitOfWork, event: Envelope) -> None:
    """Withdraw what was ordered at the very moment in which the account was closed, and erase what it says."""
    user_id = event.data["user_id"]
    for order_id in await unit.tx.rows(_STILL_OPEN, user_id=user_id):
        await actions.withdraw(unit, order_id, "the account was closed")
    await erase(unit, await unit.tx.rows(_OF_BUYER, user_id=user_id))


async def call_off(unit: UnitOfWork, event: Envelope) -> None:
    """Let go of what is held for a market day that the staff have cancelled, and cancel what was ordered for it, as far as that is still possible."""
    day_id, day, reason = (event.data[name] for name in ("market_day_id", "name", "reason"))
    await quoting.let_go(unit, str(day_id))
    for order_id in await unit.tx.rows(_OF_DAY, day_id=day_id):
        await actions.call_off(unit, order_id, day_id, day, reason)


async def export(unit: UnitOfWork, exported: Exported) -> None:
    """The person's orders."""
    exported.sections.append(_HELD)
    exported.sections.append(quote_rows.HELD)

"""What orders have of a person, and for how long: books are kept, people are erased.

An order that is over keeps its goods and amounts, which the books need. Where it went and what its buyer wrote is erased after
``order_details_kept`` (storage no longer than needed: Regulation (EU) 2016/679, 5 (1) e), and with the buyer's account.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import attrs

from harvestd.parts import Parts
from harvestd.runtime.failpoints import failpoint
from harvestd.store.leases import GoingOn, always
from harvestd.store.postgres.statements import Statement, nothing, scalar
from harvestd.unit_of_work import UnitOfWork, change

#: Orders of which it is erased in one transaction.
BATCH = 200
#: Over since then, the longest first; what is locked just now waits for the next run.
_OVER = Statement(
    "orders_retention.over",
    """select id::text from orders
        where erased_at is null and status in ('completed', 'cancelled', 'expired') and updated_at < :before
        order by updated_at limit :limit for no key update skip locked""",
    scalar,
)
_SCRUB = Statement(
    "orders_retention.scrub",
    "update orders set note = '', fulfilment = fulfilment - 'address', erased_at = :now where id = any(:ids::uuid[])",
    nothing,
)
_SCRUB_PARTS = Statement(
    "orders_retention.scrub_parts",
    "update order_parts set fulfilment = fulfilment - 'address' where order_id = any(:ids::uuid[]) and fulfilment ? 'address'",
    nothing,
)
_SCRUB_STEPS = Statement(
    "orders_retention.scrub_steps",
    "update order_transitions set reason = '' where order_id = any(:ids::uuid[]) and actor = 'buyer' and reason <> ''",
    nothing,
)
_SCRUB_LINES = Statement(
    "orders_retention.scrub_lines",
    "update order_lines set note = '' where order_id = any(:ids::uuid[]) and note <> ''",
    nothing,
)
_SCRUB_CHANGES = Statement(
    "orders_retention.scrub_changes",
    "update order_changes set reason = '' where order_id = any(:ids::uuid[]) and actor = 'buyer' and reason <> ''",
    nothing,
)


@attrs.frozen
class Erased:
    """What these orders have of a person is erased: a listener erases what it has of them."""

    order_ids: Sequence[str]


async def erase(unit: UnitOfWork, order_ids: Sequence[str]) -> None:
    """Erase where orders went, what their buyers wrote, and what tells of them."""
    if not order_ids:
        return
    ids = list(order_ids)
    await unit.tx.run(_SCRUB, ids=ids, now=unit.now)
    await unit.tx.run(_SCRUB_PARTS, ids=ids)
    await unit.tx.run(_SCRUB_STEPS, ids=ids)
    await unit.tx.run(_SCRUB_LINES, ids=ids)
    await unit.tx.run(_SCRUB_CHANGES, ids=ids)
    await unit.tell(Erased(ids))


async def erase_old(parts: Parts, going_on: GoingOn = always) -> None:
    """Erase it of the orders that are over for long enough, a batch at a time; of open ones never."""
    kept = parts.settings.order_details_kept
    if not kept:
        return
    while await going_on() and await change(parts, lambda unit: _batch(unit, kept)) == BATCH:
        pass


async def _batch(unit: UnitOfWork, kept: float) -> int:
    before = unit.now - timedelta(seconds=kept)
    ids: list[str] = await unit.tx.rows(_OVER, before=before, limit=BATCH)
    await erase(unit, ids)
    await failpoint("retention.before_commit")
    return len(ids)

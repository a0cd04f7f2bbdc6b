"""What orders have of a person, and for how long: books are kept, people are erased.

An order that is over keeps its goods and amounts, which the books need. Where it went and what its buyer wrote is erased after
``order_details_kept`` (storage no longer than needed: Regulation (EU) 2016/679, 5 (1) e), and with the buyer's account. A guest has no account to close:
who they were is erased, too, after ``guest_details_kept``, and the keys to the order with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

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
_OVER_OF_GUESTS = Statement(
    "orders_retention.over_of_guests",
    """select id::text from orders
        where guest is not null and erased_at is null and status in ('completed', 'cancelled', 'expired') and updated_at < :before
        order by updated_at limit :limit for no key update skip locked""",
    scalar,
)
_LONGEST_OVER: Statement[datetime | None] = Statement(
    "orders_retention.longest_over",
    """select updated_at from orders where erased_at is null and status in ('completed', 'cancelled', 'expired')
        order by updated_at limit 1""",
    scalar,
)
_LONGEST_OVER_OF_GUESTS: Statement[datetime | None] = Statement(
    "orders_retention.longest_over_of_guests",
    """select updated_at from orders where guest is not null and erased_at is null and status in ('completed', 'cancelled', 'expired')
        order by updated_at limit 1""",
    scalar,
)
_SCRUB = Statement(
    "orders_retention.scrub",
    """update orders set note = '', fulfilment = fulfilment - 'address', guest = case when guest is not null then '{}'::jsonb end, erased_at = :now
        where id = any(:ids::uuid[])""",
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

_DROP_KEYS = Statement(
    "orders_retention.drop_keys", "delete from order_keys where order_id = any(:ids::uuid[])", nothing
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
    await unit.tx.run(_DROP_KEYS, ids=ids)
    await unit.tx.run(_SCRUB_LINES, ids=ids)
    await unit.tx.run(_SCRUB_CHANGES, ids=ids)
    await unit.tell(Erased(ids))


def _kept(parts: Parts) -> list[tuple[Statement[str], Statement[datetime | None], float]]:
    """What is erased, which of it is over the longest, and for how many seconds it is kept then."""
    own, guests = parts.settings.order_details_kept, parts.settings.guest_details_kept
    return [*([(_OVER, _LONGEST_OVER, own)] if own else []), (_OVER_OF_GUESTS, _LONGEST_OVER_OF_GUESTS, guests)]


async def next_due(parts: Parts) -> datetime | None:
    """When the first order is over for long enough."""
    found = [(await parts.database.row(longest), kept) for _, longest, kept in _kept(parts)]
    # one is erased once that is past, not at that very moment
    return min(
        (over + timedelta(seconds=kept, microseconds=1) for over, kept in found if over is not None), default=None
    )


async def erase_old(parts: Parts, going_on: GoingOn = always) -> None:
    """Erase it of the orders that are over for long enough, a batch at a time; of open ones never."""
    for over, _, seconds in _kept(parts):
        while await going_on() and await change(parts, partial(_batch, over=over, kept=seconds)) == BATCH:
            pass


async def _batch(unit: UnitOfWork, over: Statement[str], kept: float) -> int:
    before = unit.now - timedelta(seconds=kept)
    ids = await unit.tx.rows(over, before=before, limit=BATCH)
    await erase(unit, ids)
    await failpoint("retention.before_commit")
    return len(ids)

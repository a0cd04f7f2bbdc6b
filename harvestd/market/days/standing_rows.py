"""Rows of the orders that stand on a market day: how many, and on what of it. A part that is cancelled or expired stands on nothing; one that is completed still
does for what has been, but there is nothing more to tell of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from harvestd.market.days.standing_rules import AtPoint, OfFarm
from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction

_LIVE = "p.status not in ('completed', 'cancelled', 'expired')"
_OF_OTHERS = Statement(
    "standing.of_others",
    """select p.farm_id, f.name, count(distinct p.order_id)::int
         from windows w join order_parts p on p.window_id = w.id join farms f on f.id = p.farm_id
        where w.day_id = :day_id and p.status not in ('cancelled', 'expired') and p.farm_id <> all(:farm_ids::uuid[])
        group by p.farm_id, f.name order by f.name, p.farm_id""",
    OfFarm,
)
_COUNT = Statement(
    "standing.count",
    "select count(distinct p.order_id)::int from windows w join order_parts p on p.window_id = w.id where w.day_id = :day_id",
    scalar,
)
_LIVE_WINDOWS = Statement(
    "standing.live_windows",
    f"select w.id::text from windows w where w.day_id = :day_id and exists (select from order_parts p where p.window_id = w.id and {_LIVE})",
    scalar,
)
_AT_POINTS = Statement(
    "standing.at_points",
    f"""select w.id, w.day_id, w.taken_orders, exists (select from order_parts p where p.window_id = w.id and {_LIVE})
         from windows w join market_days d on d.id = w.day_id
        where (w.point_id = any(:ids::uuid[]) or w.farm_point_id = any(:ids::uuid[])) and d.status not in ('done', 'cancelled')
        order by w.day_id, w.id""",
    AtPoint,
)


_TOUCH_DAYS = Statement(
    "standing.touch_days",
    """with locked as materialized (select id from market_days where id = any(:ids::uuid[]) order by id for no key update)
       update market_days d set version = d.version + 1 from locked where d.id = locked.id""",
    nothing,
)


async def of_others(reader: Reader, day_id: str, farms: Collection[str]) -> list[OfFarm]:
    """The farms that a locked day has orders of, but for these."""
    return await reader.rows(_OF_OTHERS, day_id=day_id, farm_ids=list(farms))


async def count(reader: Reader, day_id: str) -> int:
    """How many orders are, or were, for a window of a locked day."""
    return await reader.row(_COUNT, day_id=day_id) or 0


async def live_windows(reader: Reader, day_id: str) -> set[str]:
    """The windows of a locked day with orders that are still to be handed over."""
    return set(await reader.rows(_LIVE_WINDOWS, day_id=day_id))


async def at_points(tx: Transaction, ids: Sequence[str]) -> list[AtPoint]:
    """The windows at locked pick-up points, of days that are not over; these are locked, so that whoever is just ordering for one of them is waited for, and
    have a new version, since they show the points. Whoever changes a day
    locks it before its points: of two that meet one is begun again."""
    found = await tx.rows(_AT_POINTS, ids=list(ids))
    if not found:
        return found
    await tx.run(_TOUCH_DAYS, ids=sorted({one.day_id for one in found}))
    return await tx.rows(_AT_POINTS, ids=list(ids))

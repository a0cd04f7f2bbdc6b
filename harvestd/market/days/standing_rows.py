"""Rows of the orders, and of the quotes that are held, that stand on a market day: how many, and on what of it. A part that is cancelled or expired stands on nothing; one that is completed still
does for what has been, but there is nothing more to tell of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from harvestd.market.days.standing_rules import AtPoint, OfFarm, Stands
from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction

_LIVE = "p.status not in ('completed', 'cancelled', 'expired')"
_OF_OTHERS = Statement(
    "standing.of_others",
    """with ordered as (
           select p.farm_id, count(distinct p.order_id)::int as orders
             from windows w join order_parts p on p.window_id = w.id
            where w.day_id = :day_id and p.status not in ('cancelled', 'expired') and p.farm_id <> all(:farm_ids::uuid[]) group by p.farm_id
       ), held as (
           select way.key::uuid as farm_id, count(distinct q.id)::int as holds, max(q.expires_at) as until
             from windows w join quote_places t on t.window_id = w.id join quotes q on q.id = t.quote_id
                  cross join lateral jsonb_each(q.content -> 'ways') way
            where w.day_id = :day_id and q.expires_at > :now and way.value #>> '{window,id}' = w.id::text and way.key::uuid <> all(:farm_ids::uuid[])
            group by way.key
       )
       select f.id, f.name, coalesce(ordered.orders, 0), coalesce(held.holds, 0), held.until
         from ordered full join held using (farm_id) join farms f on f.id = farm_id order by f.name, f.id""",
    lambda id, name, *stands: OfFarm(id, name, Stands(*stands)),
)
#: What stands on a window ``w``: the places of orders, those that are held, and until when at most.
_STANDS = """w.taken_orders - (select coalesce(sum(t.orders), 0)::int from quote_places t where t.window_id = w.id),
    (select count(*)::int from quote_places t join quotes q on q.id = t.quote_id where t.window_id = w.id and q.expires_at > :now),
    (select max(q.expires_at) from quote_places t join quotes q on q.id = t.quote_id where t.window_id = w.id and q.expires_at > :now)"""
_ON_WINDOWS = Statement(
    "standing.on_windows",
    f"select w.id::text, {_STANDS} from windows w where w.id = any(:ids::uuid[])",
    lambda id, *stands: (id, Stands(*stands)),
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
    f"""select w.id, w.day_id, exists (select from order_parts p where p.window_id = w.id and {_LIVE}), {_STANDS}
         from windows w join market_days d on d.id = w.day_id
        where (w.point_id = any(:ids::uuid[]) or w.farm_point_id = any(:ids::uuid[])) and d.status not in ('done', 'cancelled')
        order by w.day_id, w.id""",
    lambda id, day_id, live, *stands: AtPoint(id, day_id, Stands(*stands), live),
)

_TOUCH_DAYS = Statement(
    "standing.touch_days",
    """with locked as materialized (select id from market_days where id = any(:ids::uuid[]) order by id for no key update)
       update market_days d set version = d.version + 1 from locked where d.id = locked.id""",
    nothing,
)


async def of_others(reader: Reader, day_id: str, farms: Collection[str], now: datetime) -> list[OfFarm]:
    """The farms that a locked day has orders of, or quotes that are held, but for these."""
    return await reader.rows(_OF_OTHERS, day_id=day_id, farm_ids=list(farms), now=now)


async def on_windows(reader: Reader, ids: Sequence[str], now: datetime) -> dict[str, Stands]:
    """What stands on locked windows."""
    found: list[tuple[str, Any]] = await reader.rows(_ON_WINDOWS, ids=list(ids), now=now) if ids else []
    return dict(found)


async def count(reader: Reader, day_id: str) -> int:
    """How many orders are, or were, for a window of a locked day."""
    return await reader.row(_COUNT, day_id=day_id) or 0


async def live_windows(reader: Reader, day_id: str) -> set[str]:
    """The windows of a locked day with orders that are still to be handed over."""
    return set(await reader.rows(_LIVE_WINDOWS, day_id=day_id))


async def at_points(tx: Transaction, ids: Sequence[str], now: datetime) -> list[AtPoint]:
    """The windows at locked pick-up points, of days that are not over; these are locked, so that whoever is just ordering for one of them is waited for, and
    have a new version, since they show the points. Whoever changes a day
    locks it before its points: of two that meet one is begun again."""
    found = await tx.rows(_AT_POINTS, ids=list(ids), now=now)
    if not found:
        return found
    await tx.run(_TOUCH_DAYS, ids=sorted({one.day_id for one in found}))
    return await tx.rows(_AT_POINTS, ids=list(ids), now=now)

"""A market day as the contract shows it."""

from __future__ import annotations

from collections.abc import Sequence

from harvestd.market.days import day_rows as store
from harvestd.market.days import showing, window_rows
from harvestd.market.days.day_rules import closes_for
from harvestd.market.days.day_shapes import DayFarm, MarketDay
from harvestd.market.days.window_shapes import Window
from harvestd.web.shapes import Named


def shown(day: store.Day, farms: Sequence[store.DayFarm], windows: Sequence[window_rows.Window]) -> MarketDay:
    """A day with its farms and its windows."""
    return MarketDay(
        id=day.id, name=day.name, status=day.status, opens_at=day.opens_at, closes_at=day.closes_at, ends_at=day.ends_at,
        farms=None if day.all_farms else [_farm(day, one) for one in farms], windows=[window(one) for one in windows],
        holds_minutes=day.holds_minutes, metadata=day.metadata, version=day.version, created_at=day.created_at, updated_at=day.updated_at,
    )  # fmt: skip


def _farm(day: store.Day, one: store.DayFarm) -> DayFarm:
    named = Named(id=one.farm_id, slug=one.slug, name=one.name)
    closes_at = closes_for(day.closes_at, one.lead_minutes)
    return DayFarm(farm=named, farm_id=one.farm_id, lead_minutes=one.lead_minutes, closes_at=closes_at)


def window(one: window_rows.Window) -> Window:
    """A window, with what it holds and what is taken."""
    return Window(
        id=one.id, method=one.method, pickup_point=showing.point(one.point), area=showing.area(one.area), from_=one.starts_at, to=one.ends_at, capacity=showing.capacity(one.capacity), taken=showing.taken(one.taken),
    )  # fmt: skip

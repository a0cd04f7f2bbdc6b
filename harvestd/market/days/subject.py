"""Market days: rounds of selling with their windows, the points where goods are picked up, and the market's clock."""

from __future__ import annotations

from typing import Any

from harvestd.kernel import errors
from harvestd.kernel.families import MARKET_DAYS, PICKUP_POINTS, market_day
from harvestd.kernel.permissions import Permission
from harvestd.market.days import (
    clock_routes,
    clock_shapes,
    day_routes,
    day_shapes,
    day_steps,
    events,
    point_actions,
    point_routes,
    point_shapes,
    schedule_actions,
    schedule_routes,
    schedule_shapes,
    window_shapes,
)
from harvestd.market.farms import delivery_shapes
from harvestd.market.farms.actions import PointsChanged
from harvestd.market.subject import Subject
from harvestd.queue.work import Due
from harvestd.web.context import CountedPage
from harvestd.web.routes import MANY_BODY, Cached, Mode, Route, Section, always

_WORDS = {
    **{name: delivery_shapes.WORDS[name] for name in ("postcodes", "polygon", "PickupPoint.position", "hours")},
    **window_shapes.WORDS,
    **day_shapes.WORDS,
    **schedule_shapes.WORDS,
    **point_shapes.WORDS,
    **clock_shapes.WORDS,
}
_DAYS = Section(
    "market-days",
    "Rounds of selling: when they open and close, where and when goods are handed over, and how much.",
    _WORDS,
)


def _day(path: dict[str, str], query: Any) -> tuple[str, ...]:
    return (market_day(path["id"]),)


SUBJECT = Subject(
    name="days",
    events=dict.fromkeys(("market_day.opened", "market_day.closing_soon", "market_day.closed", "market_day.reopened", "market_day.cancelled"), events.MarketDayStepped)
    | {"market_day.changed": events.MarketDayChanged},
    listeners={PointsChanged: point_actions.follow},
    periodic=(Due(schedule_actions.TASK, 20.0, schedule_actions.make_all, next_due=schedule_actions.next_due),
              Due(day_steps.TASK, 1.0, day_steps.step_all, next_due=day_steps.next_due)),
    routes=(
        Route(method="GET", path="/api/market-days", operation="listMarketDays", handler=day_routes.listed, permission=None, mode=Mode.READ, section=_DAYS,
              summary="Market days, the one that opens last first", query=day_shapes.MarketDaysQuery, answer=CountedPage[day_shapes.MarketDay],
              description="A page has as many days as together have 1,000 windows and farms, which may be fewer than `limit`: there are more while `next` is not null.",
              cached=Cached(always(MARKET_DAYS)), limit="rate_read"),
        Route(method="POST", path="/api/market-days", operation="createMarketDay", handler=day_routes.create, permission=Permission.CHANGE_DAYS, mode=Mode.WRITE, section=_DAYS,
              summary="Make a market day", body=day_shapes.NewMarketDay, rules=day_routes.faults, answer=day_shapes.MarketDay, status=201, key="optional",
              body_limit=MANY_BODY, description="It opens and closes by itself, at its times; one that opens by now is open at once."),
        Route(method="GET", path="/api/market-days/{id}", operation="getMarketDay", handler=day_routes.see, permission=None, mode=Mode.READ, section=_DAYS,
              summary="A market day", answer=day_shapes.MarketDay, cached=Cached(_day, absent=(MARKET_DAYS,)), limit="rate_read", errors=(errors.NotFound,)),
        Route(method="PATCH", path="/api/market-days/{id}", operation="changeMarketDay", handler=day_routes.change, permission=Permission.CHANGE_DAYS, mode=Mode.WRITE,
              section=_DAYS, summary="Change a market day", body=day_shapes.ChangeMarketDay, rules=day_routes.faults, answer=day_shapes.MarketDay, if_match=True,
              body_limit=MANY_BODY, errors=(errors.NotFound, errors.Conflict),
              description="What has begun cannot be changed: when it opens, once it is open; its cut-off and its farms, once it is closed. 409 says which field is late."),
        Route(method="DELETE", path="/api/market-days/{id}", operation="deleteMarketDay", handler=day_routes.delete, permission=Permission.CHANGE_DAYS, mode=Mode.WRITE,
              section=_DAYS, summary="Delete a market day that is planned, or cancelled, and has no orders", status=204, if_match=True, errors=(errors.NotFound, errors.Conflict)),
        Route(method="POST", path="/api/market-days/{id}/copy", operation="copyMarketDay", handler=day_routes.copy, permission=Permission.CHANGE_DAYS, mode=Mode.WRITE,
              section=_DAYS, summary="Make a market day like another, at another time", body=day_shapes.CopyMarketDay, rules=day_routes.faults, answer=day_shapes.MarketDay,
              status=201, key="optional", errors=(errors.NotFound,)),
        Route(method="POST", path="/api/market-days/{id}/close", operation="closeMarketDay", handler=day_routes.close, permission=Permission.CHANGE_DAYS, mode=Mode.WRITE,
              section=_DAYS, summary="Close an open market day now", answer=day_shapes.MarketDay, key="optional", errors=(errors.NotFound, errors.IllegalTransition),
              description="It stays closed. One that closed by itself, since it was full, opens again when a place returns before its cut-off, unless it is closed by this, too. What quotes hold can still be ordered."),
        Route(method="POST", path="/api/market-days/{id}/cancel", operation="cancelMarketDay", handler=day_routes.cancel, permission=Permission.CHANGE_DAYS, mode=Mode.WRITE,
              section=_DAYS, summary="Cancel a market day", body=day_shapes.CancelMarketDay, rules=day_routes.reason_faults, answer=day_shapes.MarketDay, key="optional",
              errors=(errors.NotFound, errors.IllegalTransition)),
        Route(method="GET", path="/api/market-schedules", operation="listMarketSchedules", handler=schedule_routes.listed, permission=Permission.CHANGE_DAYS, mode=Mode.FRESH,
              section=_DAYS, summary="Schedules of market days, newest first", query=schedule_shapes.MarketSchedulesQuery,
              answer=CountedPage[schedule_shapes.MarketSchedule], limit="rate_read"),
        Route(method="POST", path="/api/market-schedules", operation="createMarketSchedule", handler=schedule_routes.create, permission=Permission.CHANGE_DAYS, mode=Mode.WRITE,
              section=_DAYS, summary="Have market days recur", body=schedule_shapes.NewMarketSchedule, rules=schedule_routes.faults, answer=schedule_shapes.MarketSchedule,
              status=201, key="optional", body_limit=MANY_BODY,
              description="Its market days are made ahead, each round once, also if it is deleted then; each can be changed by itself."),
        Route(method="GET", path="/api/market-schedules/{id}", operation="getMarketSchedule", handler=schedule_routes.see, permission=Permission.CHANGE_DAYS, mode=Mode.FRESH,
              section=_DAYS, summary="A schedule of market days", answer=schedule_shapes.MarketSchedule, limit="rate_read", errors=(errors.NotFound,)),
        Route(method="PATCH", path="/api/market-schedules/{id}", operation="changeMarketSchedule", handler=schedule_routes.change, permission=Permission.CHANGE_DAYS,
              mode=Mode.WRITE, section=_DAYS, summary="Change a schedule of market days", body=schedule_shapes.ChangeMarketSchedule, rules=schedule_routes.faults,
              answer=schedule_shapes.MarketSchedule, if_match=True, body_limit=MANY_BODY, errors=(errors.NotFound,),
              description="Its days that are still planned follow, unless somebody has changed them by themselves."),
        Route(method="DELETE", path="/api/market-schedules/{id}", operation="deleteMarketSchedule", handler=schedule_routes.delete, permission=Permission.CHANGE_DAYS,
              mode=Mode.WRITE, section=_DAYS, summary="Delete a schedule, with its days that are planned and that nobody has changed", status=204, if_match=True,
              errors=(errors.NotFound,)),
        Route(method="GET", path="/api/pickup-points", operation="listPickupPoints", handler=point_routes.listed, permission=None, mode=Mode.READ, section=_DAYS,
              summary="The market's pick-up points, newest first", query=point_shapes.MarketPointsQuery, answer=CountedPage[point_shapes.MarketPoint],
              cached=Cached(always(PICKUP_POINTS)), limit="rate_read", description="Those of a farm are in the farm."),
        Route(method="POST", path="/api/pickup-points", operation="createPickupPoint", handler=point_routes.create, permission=Permission.CHANGE_POINTS, mode=Mode.WRITE,
              section=_DAYS, summary="Make a pick-up point, of the market or of a farm", body=point_shapes.NewMarketPoint, rules=point_routes.faults,
              answer=point_shapes.MarketPoint, status=201, key="optional", errors=(errors.NotFound, errors.Forbidden)),
        Route(method="GET", path="/api/pickup-points/{id}", operation="getPickupPoint", handler=point_routes.see, permission=None, mode=Mode.READ, section=_DAYS,
              summary="A pick-up point, of the market or of a farm", answer=point_shapes.MarketPoint, cached=Cached(always(PICKUP_POINTS)), limit="rate_read",
              errors=(errors.NotFound,)),
        Route(method="PATCH", path="/api/pickup-points/{id}", operation="changePickupPoint", handler=point_routes.change, permission=Permission.CHANGE_POINTS, mode=Mode.WRITE,
              section=_DAYS, summary="Change a pick-up point", body=point_shapes.ChangeMarketPoint, rules=point_routes.faults, answer=point_shapes.MarketPoint, if_match=True,
              errors=(errors.NotFound, errors.Forbidden)),
        Route(method="DELETE", path="/api/pickup-points/{id}", operation="deletePickupPoint", handler=point_routes.delete, permission=Permission.CHANGE_POINTS, mode=Mode.WRITE,
              section=_DAYS, summary="Delete a pick-up point", status=204, if_match=True, errors=(errors.NotFound, errors.Forbidden, errors.Conflict)),
        Route(method="POST", path="/api/admin/clock", operation="moveClock", handler=clock_routes.move, permission=Permission.MOVE_CLOCK, mode=Mode.OWN, section=_DAYS,
              summary="Move the time of a sandbox forward", body=clock_shapes.MoveClock, answer=clock_shapes.ClockMoved, errors=(errors.NotFound, errors.Conflict),
              description="Everything that is due on the way happens, in order, each at its time. 404 in a market that is no sandbox (`GET /api/market`)."),
    ),
)  # fmt: skip

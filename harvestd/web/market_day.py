"""The market's current day, in the time zone of the settings."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from harvestd.kernel.moments import day_in, moment
from harvestd.settings.table import Settings
from harvestd.web.context import RequestContext


def today(request: RequestContext) -> date:
    """The day of the request, in the market's time zone."""
    return day_of(request.parts.settings, request.now)


def left_of(settings: Settings, now: datetime) -> float:
    """Seconds until the market's next day begins: what a day decides is shown no longer."""
    return (beginning(settings, day_of(settings, now) + timedelta(days=1)) - now).total_seconds()


def day_of(settings: Settings, now: datetime) -> date:
    """The day of a moment, in the market's time zone."""
    return day_in(zone_of(settings), now)


def beginning(settings: Settings, day: date) -> datetime:
    """The moment at which a day begins, in the market's time zone."""
    return moment(day, time(), zone_of(settings))


def zone_of(settings: Settings) -> ZoneInfo:
    """The market's time zone."""
    return ZoneInfo(settings.market_timezone)

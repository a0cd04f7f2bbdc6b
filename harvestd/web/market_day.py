"""The market's current day, in the time zone of the settings."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from harvestd.settings.table import Settings
from harvestd.web.context import RequestContext


def today(request: RequestContext) -> date:
    """The day of the request, in the market's time zone."""
    return day_of(request.parts.settings, request.now)


def left_of(settings: Settings, now: datetime) -> float:
    """Seconds until the market's next day begins: what a day decides is shown no longer."""
    zone = ZoneInfo(settings.market_timezone)
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return (datetime.combine(tomorrow, time(), zone) - now).total_seconds()


def day_of(settings: Settings, now: datetime) -> date:
    """The day of a moment, in the market's time zone."""
    return now.astimezone(ZoneInfo(settings.market_timezone)).date()

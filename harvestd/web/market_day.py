"""The market's current day, in the time zone of the settings."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from harvestd.web.context import RequestContext


def today(request: RequestContext) -> date:
    """The day of the request, in the market's time zone."""
    return request.now.astimezone(ZoneInfo(request.parts.settings.market_timezone)).date()

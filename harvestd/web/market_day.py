"""The market's day: where its days begin is a setting."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from harvestd.web.context import RequestContext


def today(request: RequestContext) -> date:
    """The day on which the request came, in the market's time zone."""
    return request.now.astimezone(ZoneInfo(request.parts.settings.market_timezone)).date()

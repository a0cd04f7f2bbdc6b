"""How the caller of a request sees products."""

from __future__ import annotations

from harvestd.market.catalogue.cards import View
from harvestd.web.context import RequestContext
from harvestd.web.market_day import today


def view(request: RequestContext) -> View:
    """What the cards of this request are shown with."""
    return View(request.parts.settings.market_currency, today(request).isoformat())

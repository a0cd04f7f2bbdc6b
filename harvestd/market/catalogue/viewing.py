"""How the caller of a request sees products."""

from __future__ import annotations

from harvestd.market.catalogue.cards import View
from harvestd.web import translated
from harvestd.web.context import RequestContext
from harvestd.web.market_day import today


def view(request: RequestContext, *, own: bool = False, brief: bool = False) -> View:
    """What the cards of this request are shown with: to those who may change them (``own``), or in a list of others' (``brief``)."""
    language = "" if own else translated.other(request)
    return View(request.parts.settings.market_currency, today(request).isoformat(), language, own, brief)

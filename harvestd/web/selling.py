"""The market's rules for carts and orders, from the settings."""

from __future__ import annotations

from datetime import timedelta

from harvestd.market.orders import Terms
from harvestd.settings import Settings


def terms(settings: Settings) -> Terms:
    """What holds for every order of this market."""
    hold = timedelta(seconds=settings.reservation_ttl) if settings.order_confirmation == "farm" else None
    return Terms(currency=settings.market_currency, lines_most=settings.order_lines_most, hold=hold)

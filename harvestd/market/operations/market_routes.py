"""The market's settings that a front end needs."""

from __future__ import annotations

from harvestd.kernel.languages import spoken
from harvestd.kernel.units import UNITS
from harvestd.market.days import day_actions
from harvestd.market.operations.shapes import METHODS, Market, MarketUnit, PasswordRule
from harvestd.settings.table import Settings
from harvestd.web.context import RequestContext
from harvestd.web.shapes import Imprint


async def market(request: RequestContext) -> Market:
    """The market's settings that a front end needs."""
    settings = request.parts.settings
    by_days = await day_actions.by_days(request.parts)
    return Market(
        name=settings.market_name, currency=settings.market_currency, timezone=settings.market_timezone,
        languages=list(spoken(settings.market_languages)), tax_included=settings.tax_included, guests=settings.guests, methods=list(METHODS), sandbox=settings.sandbox,
        units=[MarketUnit(unit=unit, unit_code=one.code, kind=one.kind, decimals=one.decimals) for unit, one in UNITS.items()],
        password=PasswordRule(min_length=settings.password_least), password_min_length=settings.password_least,
        imprint=_imprint(settings), sign_in_issuer=settings.oidc_issuer if settings.oidc_client_id else None,
        link_sign_in=settings.link_sign_in, private_registration=settings.private_registration,
        second_factor_required_for=list(settings.second_factor_required_for), upload_max_bytes=settings.upload_max_bytes,
        by_days=by_days, holds_minutes=settings.holds_minutes, order_confirmation=settings.order_confirmation, own_products=settings.own_products,
        order_lines_max=settings.order_lines_most,
    )  # fmt: skip


def _imprint(settings: Settings) -> Imprint | None:
    """Who runs the market, as its settings say; None if they do not."""
    if not settings.market_legal_name:
        return None
    return Imprint(
        legal_name=settings.market_legal_name, address=settings.market_address, register=settings.market_register,
        tax_number=settings.market_tax_number,
    )  # fmt: skip

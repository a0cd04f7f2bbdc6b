"""The token that identifies a guest's cart: in a cookie for browsers, in ``X-Cart-Token`` for other clients."""

from __future__ import annotations

import re
import secrets

from harvestd.web import cookies
from harvestd.web.context import RequestContext
from harvestd.web.cookies import Cookie

HEADER = "x-cart-token"
_FORM = re.compile(r"[A-Za-z0-9_-]{43}")
_LIFE = 30 * 24 * 3600


def token_of(request: RequestContext) -> str | None:
    """The request's token, or None; a malformed one counts as none."""
    token = request.headers.get(HEADER) or request.cookies.get(_name(request), "")
    return token if _FORM.fullmatch(token) else None


def _name(request: RequestContext) -> str:
    return cookies.name(request.parts.settings, Cookie.CART)


def fresh() -> str:
    """A new token, 256 bits."""
    return secrets.token_urlsafe(32)


def headers(request: RequestContext, token: str) -> tuple[tuple[str, str], ...]:
    """The response headers that issue a token, and extend the cookie's life from now."""
    return (("X-Cart-Token", token), cookies.header(request.parts.settings, Cookie.CART, token, _LIFE))

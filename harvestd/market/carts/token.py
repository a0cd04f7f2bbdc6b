"""The token that identifies a guest's cart: in a cookie for browsers, in ``X-Cart-Token`` for other clients."""

from __future__ import annotations

import re
import secrets

from harvestd.web.context import RequestContext

#: The cookie's name with TLS, and without: with the prefix browsers take it from this host alone, by TLS (RFC 6265bis, 4.1.3.2).
SECURE, PLAIN = "__Host-harvest_cart", "harvest_cart"
HEADER = "x-cart-token"
_FORM = re.compile(r"[A-Za-z0-9_-]{43}")
_LIFE = 30 * 24 * 3600


def token_of(request: RequestContext) -> str | None:
    """The request's token, or None; a malformed one counts as none."""
    token = request.headers.get(HEADER) or request.cookies.get(_name(request)) or ""
    return token if _FORM.fullmatch(token) else None


def _name(request: RequestContext) -> str:
    return SECURE if request.parts.settings.public_url.startswith("https:") else PLAIN


def fresh() -> str:
    """A new token, 256 bits."""
    return secrets.token_urlsafe(32)


def headers(request: RequestContext, token: str) -> tuple[tuple[str, str], ...]:
    """The response headers that issue a token, and extend the cookie's life from now."""
    name = _name(request)
    secure = "; Secure" if name == SECURE else ""
    cookie = f"{name}={token}; Path=/; Max-Age={_LIFE}; HttpOnly; SameSite=Lax{secure}"
    return (("X-Cart-Token", token), ("Set-Cookie", cookie))

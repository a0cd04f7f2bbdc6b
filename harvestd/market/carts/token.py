"""The token by which a stranger's cart is known: in a cookie for browsers, in ``X-Cart-Token`` for other clients."""

from __future__ import annotations

import hashlib
import re
import secrets

from harvestd.web.context import RequestContext

COOKIE = "harvest_cart"
HEADER = "x-cart-token"
_FORM = re.compile(r"[A-Za-z0-9_-]{43}")
_LIFE = 30 * 24 * 3600


def token_of(request: RequestContext) -> str | None:
    """The request's token, or None; what is no token of ours counts as none."""
    token = request.headers.get(HEADER) or request.cookies.get(COOKIE) or ""
    return token if _FORM.fullmatch(token) else None


def fresh() -> str:
    """A new token, 256 bits."""
    return secrets.token_urlsafe(32)


def hash_of(token: str) -> bytes:
    """What is stored of it."""
    return hashlib.sha256(token.encode()).digest()


def headers(request: RequestContext, token: str) -> tuple[tuple[str, str], ...]:
    """The answer's headers that hand a token over, and make the cookie last from now on."""
    secure = "; Secure" if request.parts.settings.public_url.startswith("https:") else ""
    cookie = f"{COOKIE}={token}; Path=/api; Max-Age={_LIFE}; HttpOnly; SameSite=Lax{secure}"
    return (("X-Cart-Token", token), ("Set-Cookie", cookie))

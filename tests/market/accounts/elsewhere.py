"""A browser that signs in with an account elsewhere."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import attrs

from harvestd.partners.oidc import OidcIssuer
from tests.issuer import CLIENT, SECRET, SmallIssuer
from tests.people import Market
from tests.web.client import Response
from tests.web.conftest import make_market


def market_of(market: Market, issuer: SmallIssuer, **settings: Any) -> Market:
    """The market, where people can sign in by this issuer."""
    public = {"public_url": "http://127.0.0.1:8080", "oidc_issuer": issuer.url, "oidc_client_id": CLIENT}
    parts = attrs.evolve(market.parts, settings=attrs.evolve(market.parts.settings, **public | settings))
    found = OidcIssuer(parts.reactor, issuer.url, CLIENT, SECRET, parts.now)
    return make_market(attrs.evolve(parts, issuer=found))


@attrs.define
class Browser:
    """Keeps cookies as a browser does, but for their paths."""

    market: Market
    cookies: dict[str, str] = attrs.field(factory=dict)

    async def go(self, address: str, **headers: str) -> Response:
        """GET, by the address or its path."""
        parts = urlsplit(address)
        return await self.ask("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path, None, **headers)

    async def ask(self, method: str, path: str, json: Any = None, **headers: str) -> Response:
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        body = {} if json is None else {"json": json}
        answer = await self.market.stranger.request(method, path, headers=sent, **body)
        for name, line in answer.all:
            if name.lower() == "set-cookie":
                pair, _, rest = line.partition(";")
                key, _, value = pair.partition("=")
                self.cookies[key] = value
                if "Max-Age=0" in rest:
                    del self.cookies[key]
        return answer

    async def begin(self, **query: str) -> str:
        """To where it is sent."""
        answer = await self.go(
            "/api/auth/google" + ("?" + "&".join(f"{k}={v}" for k, v in query.items()) if query else "")
        )
        assert answer.status == 303, answer.text
        return answer.headers["location"]

    async def sign_in(self, issuer: SmallIssuer, person: dict[str, Any] | None = None, **query: str) -> Response:
        """All the way: what the market says in the end."""
        return await self.go(issuer.visit(await self.begin(**query), **person or {}))

    async def me(self) -> Response:
        return await self.go("/api/users/me")

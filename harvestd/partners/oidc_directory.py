"""What an issuer publishes of itself (OpenID Connect Discovery 1.0), and its keys (RFC 7517), each kept for an hour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
from jwt import PyJWK

from harvestd.interfaces import IssuerAway
from harvestd.partners.oidc_http import usable
from harvestd.partners.oidc_kept import Kept
from harvestd.partners.oidc_patience import Patience
from harvestd.partners.oidc_tokens import key_of

#: Seconds for which both are believed; between two looks for a key that is not among those that are kept.
LIFE, AGAIN = 3600.0, 60.0


@attrs.frozen
class Described:
    """Its addresses (``people`` is UserInfo's, or empty), and whether the client's secret goes into a header; ``names_itself`` is whether
    its redirects have ``iss`` (RFC 9207)."""

    authorize: str
    token: str
    keys: str
    people: str
    basic: bool
    names_itself: bool


class Directory:
    """``issuer`` is its identifier, ``seconds`` a clock."""

    def __init__(self, issuer: str, patience: Patience, seconds: Callable[[], float]) -> None:
        self._issuer, self._patience, self._seconds = issuer, patience, seconds
        self._described = Kept(self._discover, LIFE, seconds)
        self._keys = Kept(self._fetch_keys, LIFE, seconds)
        self._looked = float("-inf")

    async def described(self) -> Described:
        """Raises ``IssuerAway``, also if what it says of itself cannot be used."""
        return await self._described.get()

    async def key(self, kid: str | None, algorithm: str) -> PyJWK | None:
        """A key by its id. One that is not among those that are kept may be new; but nobody can have that looked up all the time."""
        found = key_of(await self._keys.get(), kid, algorithm)
        if found is None and self._seconds() - self._looked >= AGAIN:
            self._looked = self._seconds()
            found = key_of(await self._keys.renewed(), kid, algorithm)
        return found

    async def _document(self, url: str) -> Mapping[str, Any]:
        status, found = await self._patience.ask("GET", url, {})
        if status != 200 or not isinstance(found, dict):
            raise IssuerAway(f"{url} is no document of an issuer: HTTP {status}")
        return found

    async def _discover(self) -> Described:
        found = await self._document(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self._issuer:
            raise IssuerAway(
                f"{self._issuer} says that it is {found.get('issuer')!r}: oidc_issuer must be exactly that"
            )
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        wrong = [name for name in names if not usable(found.get(name), self._issuer)]
        if wrong:
            raise IssuerAway(f"{self._issuer} has no {' and no '.join(wrong)} that can be used")
        authorize, token, keys = (str(found[name]) for name in names)
        people, methods = found.get("userinfo_endpoint"), found.get("token_endpoint_auth_methods_supported")
        return Described(
            authorize, token, keys, str(people) if usable(people, self._issuer) else "",
            not isinstance(methods, list) or "client_secret_basic" in methods,
            found.get("authorization_response_iss_parameter_supported") is True,
        )  # fmt: skip

    async def _fetch_keys(self) -> list[Any]:
        found = (await self._document((await self.described()).keys)).get("keys")
        if not isinstance(found, list):
            raise IssuerAway(f"{self._issuer} has no keys")
        return found

"""An OpenID Connect issuer (OpenID Connect Core 1.0): the authorization code flow with state, nonce and PKCE."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus, urlencode

from twisted.logger import Logger
from zope.interface import implementer

from harvestd.interfaces import Attempt, Identity, IIssuer, IssuerAway
from harvestd.kernel.errors import IdentityRefused
from harvestd.partners import oidc_tokens as tokens
from harvestd.partners.oidc_directory import Described, Directory
from harvestd.partners.oidc_http import FORM, IssuerHttp
from harvestd.partners.oidc_patience import Patience
from harvestd.runtime.health import Condition

SCOPE = "openid email profile"
#: Where UserInfo has them, they are its alone.
_OF_PEOPLE = ("email", "email_verified", "name")
_NOT_BELIEVED = (
    "what the service elsewhere answered cannot be used; begin again, and if it stays so, tell the market's staff"
)
log = Logger()


@implementer(IIssuer)
class OidcIssuer:
    """``now`` is the clock for tokens, ``seconds`` (the reactor's, by default) that for what is kept."""

    def __init__(
        self, reactor: Any, issuer: str, client_id: str, client_secret: str, now: Callable[[], datetime],
        http: IssuerHttp | None = None, seconds: Callable[[], float] | None = None,
    ) -> None:  # fmt: skip
        self.issuer = issuer
        self._id, self._secret, self._now = client_id, client_secret, now
        self._patience = Patience(reactor, http or IssuerHttp(reactor), seconds or reactor.seconds)
        self._directory = Directory(issuer, self._patience, seconds or reactor.seconds)

    async def address(self, attempt: Attempt) -> str:
        """The authorization request (RFC 6749, 4.1.1; RFC 7636, 4.3)."""
        described = await self._patience.within_limit(self._directory.described())
        challenge = base64.urlsafe_b64encode(hashlib.sha256(attempt.verifier.encode()).digest()).rstrip(b"=").decode()
        given = {
            "response_type": "code", "client_id": self._id, "redirect_uri": attempt.redirect_uri, "scope": SCOPE, "state": attempt.state,
            "nonce": attempt.nonce, "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        return f"{described.authorize}{'&' if '?' in described.authorize else '?'}{urlencode(given)}"

    async def identity(self, attempt: Attempt, code: str, named: str | None = None) -> Identity:
        """The token request and its id token; and where that has no address, what UserInfo says."""
        try:
            return await self._patience.within_limit(self._identified(attempt, code, named))
        except tokens.BadToken as error:
            log.warn("a sign-in with {issuer} is refused: {why}", issuer=self.issuer, why=str(error))
            raise IdentityRefused(_NOT_BELIEVED) from error

    async def condition(self) -> Condition:
        """Degraded while the issuer is left alone."""
        return await self._patience.condition()

    async def _identified(self, attempt: Attempt, code: str, named: str | None) -> Identity:
        described = await self._directory.described()
        if named != self.issuer and (named is not None or described.names_itself):
            raise tokens.BadToken(f"the browser comes from {named!r}")
        answer = await self._exchanged(described, attempt, code)
        claims = await tokens.read(
            answer.get("id_token"), self._directory.key, issuer=self.issuer, client_id=self._id, nonce=attempt.nonce, now=self._now()
        )  # fmt: skip
        if "email" not in claims and described.people:
            told = await self._told(described.people, answer.get("access_token"), claims["sub"])
            claims = {**claims, **{name: told.get(name) for name in _OF_PEOPLE}}
        email, verified, name = (claims.get(name) for name in _OF_PEOPLE)
        return Identity(
            self.issuer, claims["sub"], email if isinstance(email, str) else "",
            verified is True or verified == "true",  # a text, as some issuers have it
            name if isinstance(name, str) else "",
        )  # fmt: skip

    async def _exchanged(self, described: Described, attempt: Attempt, code: str) -> Mapping[str, Any]:
        """The token response (RFC 6749, 4.1.3 and 4.1.4; the client by 2.3.1)."""
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": attempt.redirect_uri, "code_verifier": attempt.verifier
        }  # fmt: skip
        headers = {"Content-Type": FORM}
        if self._secret and described.basic:
            pair = f"{quote_plus(self._id)}:{quote_plus(self._secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self._id} | ({"client_secret": self._secret} if self._secret else {})
        status, answer = await self._patience.ask("POST", described.token, headers, urlencode(form).encode())
        found = answer if isinstance(answer, dict) else {}
        if status == 400 and found.get("error") == "invalid_grant":
            raise tokens.BadToken("the issuer does not take the code")
        if status != 200:
            said = str(found.get("error", ""))[:100]
            raise IssuerAway(f"{described.token} refuses this market: HTTP {status} {said}")
        return found

    async def _told(self, url: str, access: object, subject: str) -> Mapping[str, Any]:
        """UserInfo (OpenID Connect Core 1.0, 5.3), which must be of the same person."""
        if not isinstance(access, str) or not access.isascii() or not access.isprintable():
            raise tokens.BadToken("the answer has no access_token")
        status, found = await self._patience.ask("GET", url, {"Authorization": f"Bearer {access}"})
        if status != 200 or not isinstance(found, dict) or found.get("sub") != subject:
            raise tokens.BadToken("what UserInfo says is not of the same person")
        return found

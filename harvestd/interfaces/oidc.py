"""Signing in with an account elsewhere: OpenID Connect Core 1.0, the authorization code flow with PKCE (RFC 7636)."""

from __future__ import annotations

import attrs
from zope.interface import Attribute, Interface

from harvestd.kernel.errors import Unavailable


@attrs.frozen
class Attempt:
    """What belongs to one sign-in elsewhere: ``state`` comes back with the browser, ``nonce`` in the id token, and ``verifier`` (RFC 7636)
    proves to the issuer that the code was asked for here. Each is random, of 256 bits, in 43 characters of base64url."""

    redirect_uri: str
    state: str
    nonce: str
    verifier: str


@attrs.frozen
class Identity:
    """Somebody, as their issuer knows them. ``issuer`` and ``subject`` together are theirs for good; ``email`` (which may be empty) may
    become somebody else's, and counts only where the issuer has verified it. ``name`` is any text, or empty."""

    issuer: str
    subject: str
    email: str = ""
    email_verified: bool = False
    name: str = ""


class IIssuer(Interface):
    """Whoever vouches for people. Without one, people sign in by what they have here: a password, or a mailed link."""

    issuer: str = Attribute("Its identifier, a URL.")

    async def address(attempt: Attempt) -> str:
        """Where the browser goes to sign in. Raises ``IssuerAway``."""

    async def identity(attempt: Attempt, code: str, named: str | None = None) -> Identity:
        """Who has signed in there, for the code that the browser came back with; ``named`` is the ``iss`` (RFC 9207) that came with it, if
        one did. Raises ``IssuerAway``, and ``IdentityRefused`` for a code
        that is not good, or an answer that is not for this market, this attempt and this moment."""


class IssuerAway(Unavailable):
    """The issuer does not answer, or not as an issuer does: this says nothing about who asks."""

    shown = "the service with whose account you want to sign in does not answer at present; try again in a moment, or sign in with your password"

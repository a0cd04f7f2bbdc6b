"""Signing in with an account elsewhere."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from harvestd.market.accounts.identity_rules import MAX_RETURN
from harvestd.web.shapes import In, Out


class BeginQuery(In, kw_only=True, frozen=True):
    """Where to go in the end, and whether to link rather than to sign in."""

    return_to: Annotated[str, Meta(max_length=MAX_RETURN)] = "/"
    link: bool = False
    reactivate: bool = False


class CallbackQuery(In, kw_only=True, frozen=True, forbid_unknown_fields=False):
    """What the issuer sends the browser back with; it may send more, which is ignored (RFC 6749, 4.1.2)."""

    state: Annotated[str, Meta(max_length=200)] = ""
    code: Annotated[str, Meta(max_length=4000)] = ""
    error: Annotated[str, Meta(max_length=200)] = ""
    iss: Annotated[str, Meta(max_length=500)] | None = None


class LinkedIdentity(Out, kw_only=True, frozen=True):
    """An account elsewhere that signs in to the caller's."""

    id: str
    issuer: str
    email: str
    created_at: datetime
    last_used_at: datetime


class LinkedIdentities(Out, kw_only=True, frozen=True):
    """The accounts elsewhere that sign in to the caller's."""

    items: list[LinkedIdentity]


WORDS: dict[str, str] = {
    "CallbackQuery.code": "What the issuer gives for the sign-in; good once.",
    "error": "Why the issuer has signed nobody in (RFC 6749, 4.1.2.1).",
    "iss": "The issuer (RFC 9207).",
    "issuer": "Who vouches for the person: a URL.",
    "link": "Whether to link the account elsewhere with the account that the browser is signed in to: this needs its session, and a confirmation of the last five minutes.",
    "return_to": "Where the browser goes in the end: a path of this market, or an address of a site that it lets in.",
    "LinkedIdentity.email": "The address that the issuer had verified when the two were linked.",
    "LinkedIdentity.last_used_at": "When somebody last signed in by it.",
    "LinkedIdentities.items": "All of them, oldest first.",
    "CallbackQuery.state": "What the sign-in was begun with.",
}

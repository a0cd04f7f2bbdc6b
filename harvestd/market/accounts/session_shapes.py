"""Browser sessions and sign-ins."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from harvestd.market.accounts.passkey_shapes import PasskeyIn
from harvestd.market.accounts.shapes import Password, User
from harvestd.web.shapes import CountedQuery, In, Out
from harvestd.web.vocabulary import closed

Kind = Annotated[
    str,
    closed("SignInKind", ("tokens", "browser"), "How a sign-in is used: by access and refresh tokens, or by a cookie."),
]


class BrowserSession(Out, kw_only=True, frozen=True):
    """A signed-in browser; its cookie is in the header."""

    user: User
    csrf_token: str


class Confirm(In, kw_only=True, frozen=True):
    """The password of the account, with a second factor also its code, or the answer of its passkey; or a passkey alone."""

    password: Password | None = None
    code: Annotated[str, Meta(max_length=40)] | None = None
    passkey: PasskeyIn | None = None


class ConfirmOptionsQuery(In, kw_only=True, frozen=True):
    """What a passkey is to confirm with."""

    alone: bool = False


class DevicesQuery(CountedQuery, kw_only=True, frozen=True):
    """A page of sign-ins."""


class Device(Out, kw_only=True, frozen=True):
    """A live sign-in of the account."""

    id: str
    kind: Kind
    device: str
    created_at: datetime
    renewed_at: datetime | None
    expires_at: datetime
    current: bool
    acting: bool


WORDS: dict[str, str] = {
    "alone": "Whether no password is given beside the passkey: its authenticator then has to verify its user.",
    "Confirm.password": "The password of the account; needed unless a passkey confirms alone.",
    "csrf_token": "Send it as `X-CSRF-Token` with each request that changes something.",
    "current": "Whether this request came by it.",
    "device": "The `User-Agent` that signed in.",
    "acting": "Whether somebody of the market's staff acts for the account by it; `device` is empty then.",
    "Device.kind": "Whether it is a browser's session, or used by tokens.",
    "Device.expires_at": "When it ends, unless its tokens are refreshed before.",
    "renewed_at": "When its tokens were last refreshed.",
}

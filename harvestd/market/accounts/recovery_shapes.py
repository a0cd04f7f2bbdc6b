"""Verifying an address, resetting a password, and signing in by a mailed link."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from harvestd.market.accounts.passkey_shapes import PasskeyIn
from harvestd.market.accounts.shapes import Email, NewPassword
from harvestd.web.shapes import In

Token = Annotated[str, Meta(max_length=100)]


class Forgot(In, kw_only=True, frozen=True):
    """The address of the account, to which the mail goes."""

    email: Email


class Reset(In, kw_only=True, frozen=True):
    """The token of the mail, and the password to set."""

    token: Token
    password: NewPassword


class MailedToken(In, kw_only=True, frozen=True):
    """The token of a mail, valid once."""

    token: Token


class LinkToken(In, kw_only=True, frozen=True):
    """The token of a mail, valid once; with a second factor also its code, or the answer of its passkey."""

    token: Token
    code: Annotated[str, Meta(max_length=40)] | None = None
    passkey: PasskeyIn | None = None
    reactivate: bool = False
    email: Email | None = None


WORDS: dict[str, str] = {
    "token": "The token of the mail's link, what follows the last `=`; valid once, and for a short time.",
    "LinkToken.email": "The address that the link was mailed to, by the person who opens it. A browser's session needs it, unless this browser asked for the link; whoever sends it has it checked.",
    "Forgot.email": "The e-mail address of the account. Nothing tells whether there is one.",
}

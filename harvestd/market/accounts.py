"""Accounts: what an address, a name and a password must be."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from typing import Literal

import attrs

from harvestd.market.errors import FieldError, Invalid
from harvestd.market.events import Event

#: Deliberately loose: the mail that arrives is the proof of an address (RFC 5321 allows far more than people use).
_EMAIL = re.compile(r"[^\s@<>\"(),:;\\\[\]]{1,64}@(?:[^\s@.\-][^\s@.]{0,62}\.)*[^\s@.\-][^\s@.]{0,62}")
_USERNAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{1,38})[a-z0-9]", re.IGNORECASE)
PASSWORD_MOST = 1024


@attrs.frozen
class NewAccount:
    """An acceptable registration, not yet stored."""

    email: str
    email_key: str
    username: str
    username_key: str
    name: str
    role: str
    farm_name: str | None


def register(
    *, email: str, username: str, password: str, name: str, role: Literal["buyer", "farmer"], farm_name: str | None,
    least: int, common: Container[str],
) -> NewAccount:  # fmt: skip
    """Check a registration; raises :class:`Invalid` with every field that is wrong."""
    email, username, name = email.strip(), username.strip(), name.strip()
    farm_name = farm_name.strip() if farm_name else None
    found = [
        FieldError("email", "must be an e-mail address, such as ada@example.org") if not is_email(email) else None,
        FieldError("username", "must be 3 to 40 letters, digits, dots, hyphens or underscores, beginning and ending with a letter or digit")
        if not _USERNAME.fullmatch(username)
        else None,
        FieldError("name", "must have 1 to 200 characters") if not 1 <= len(name) <= 200 else None,
        FieldError("farm_name", "is needed to register a farmer") if role == "farmer" and not farm_name else None,
        FieldError("farm_name", "is for farmers; leave it out or register as a farmer") if role == "buyer" and farm_name else None,
        FieldError("farm_name", "must have at most 200 characters") if farm_name and len(farm_name) > 200 else None,
        password_fault(password, least, common, (email, username)),
    ]  # fmt: skip
    errors = tuple(error for error in found if error is not None)
    if errors:
        raise Invalid("the registration cannot be accepted", errors)
    return NewAccount(email, email_key(email), username, username.lower(), name, role, farm_name)


def is_email(text: str) -> bool:
    """Whether it looks like an e-mail address."""
    return len(text) <= 254 and _EMAIL.fullmatch(text) is not None


def email_key(email: str) -> str:
    """The form by which addresses are compared: one mailbox, one account."""
    return unicodedata.normalize("NFKC", email.strip()).lower()


def password_fault(password: str, least: int, common: Container[str], own: tuple[str, ...]) -> FieldError | None:
    """What is wrong with a password, after NIST SP 800-63B 5.1.1.2: length and a list of common ones, no rules of
    composition; any Unicode, ``least`` to 1,024 characters."""
    if len(password) < least:
        return FieldError("password", f"must have at least {least} characters; a few words together do well")
    if len(password) > PASSWORD_MOST:
        return FieldError("password", f"must have at most {PASSWORD_MOST} characters")
    plain = normal_password(password).lower()
    if plain in common or len(set(plain)) <= 2 or plain in {o.lower() for o in own}:
        return FieldError("password", "is one that attackers try first; choose another")
    return None


def normal_password(password: str) -> str:
    """One form for the ways a keyboard may write the same characters (NFKC, as RFC 8265 has it)."""
    return unicodedata.normalize("NFKC", password)


def registered(user_id: str, role: str, email: str, name: str) -> Event:
    """A new account."""
    return Event(
        "account.registered", f"user:{user_id}", 1, {"user_id": user_id, "role": role, "email": email, "name": name}
    )

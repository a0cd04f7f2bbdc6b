"""E-mail addresses: validation, the form used for sending, and the key for equality.

The rules are email-validator's (RFC 5321 and 5322 as people use them): no quoted local parts, no address literals, labels of
letters, digits and hyphens. Internationalized domains use IDNA 2008 with UTS 46 mapping, non-transitional: ``faß`` is not
``fass``. There is no DNS lookup, and no domain is special: a market on a local network mails to ``.local`` and ``localhost``.
A local part is ASCII only: others need SMTPUTF8 (RFC 6531) at every server on the way, which cannot be known at
registration.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import attrs
import email_validator

from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import has_invisible

#: Longest address, in octets (RFC 5321, 4.5.3.1.3, less the angle brackets).
LONGEST = 254

email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


@attrs.frozen
class EmailAddress:
    """``shown`` is for people, ``mailed`` is ASCII for mail servers; ``key`` is equal for all spellings of a mailbox."""

    shown: str
    mailed: str
    key: str


class NotAnAddress(ValueError):
    """The text is not one e-mail address; the message says why."""


@lru_cache(maxsize=4096)
def read(text: str) -> EmailAddress:
    """Parse an address; surrounding white space is ignored. Raises :class:`NotAnAddress`."""
    plain = text.strip(" \t\r\n")
    if len(plain) > LONGEST:
        raise NotAnAddress(f"it is longer than {LONGEST} characters")
    if has_invisible(plain):
        raise NotAnAddress("it has an invisible character in it")
    if "=?" in plain:  # some mail programs would decode it (RFC 2047), though they must not
        raise NotAnAddress("it looks like an encoded word")
    try:
        found = email_validator.validate_email(
            plain, check_deliverability=False, globally_deliverable=False, allow_smtputf8=False, strict=True
        )
    except ValueError as error:
        raise NotAnAddress(_clause(str(error))) from error
    mailed = found.ascii_email
    if mailed is None or mailed.rpartition(".")[2].rpartition("@")[2].isdigit():
        raise NotAnAddress("the part after the @-sign is no domain")
    return EmailAddress(found.normalized, mailed, mailed.lower())


def checked(field: str, text: str) -> EmailAddress | FieldError:
    """The address, or its error."""
    try:
        return read(text)
    except NotAnAddress as error:
        return FieldError(field, f"must be an e-mail address, such as ada@example.org: {error}", code="not-an-email")


def is_email(text: str) -> bool:
    """Whether the text is one address that can receive mail."""
    return not isinstance(checked("", text), FieldError)


def key(text: str) -> str:
    """The key by which accounts are looked up. For an invalid address it is the form compared before these rules existed, so that
    accounts from then can still sign in."""
    try:
        return read(text).key
    except NotAnAddress:
        return unicodedata.normalize("NFKC", text[:LONGEST].strip()).lower()


def _clause(sentence: str) -> str:
    """One of the library's sentences, to follow a colon of ours."""
    return (sentence[:1].lower() + sentence[1:]).rstrip(".")

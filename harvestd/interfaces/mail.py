"""Mail."""

from __future__ import annotations

import attrs
from zope.interface import Interface

from harvestd.kernel.errors import Unavailable


@attrs.frozen
class Mail:
    """A plain text mail. ``key`` is an idempotency key, stable across retries, and becomes the Message-ID; ``language`` is the tag of its
    language (RFC 3282)."""

    key: str
    recipient: str
    subject: str
    body: str
    language: str = "en"


class IMailer(Interface):
    """Delivers mail to a mail server or folder. Sending one key twice results in one mail where possible (a folder), or in two
    mails with the same Message-ID (SMTP)."""

    async def send(mail: Mail) -> None:
        """Raises ``Unavailable`` for temporary errors, its subclass ``MailServerUnreachable`` if no mail can be sent now, and
        ``Refused`` for permanent errors."""


class Refused(Exception):
    """The mail server refused permanently; the text says why."""


class MailServerUnreachable(Unavailable):
    """The mail server is unreachable: this says nothing about the mail itself."""

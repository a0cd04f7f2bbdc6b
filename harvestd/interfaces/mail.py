"""Mail."""

from __future__ import annotations

import attrs
from zope.interface import Interface

from harvestd.kernel.errors import Unavailable


@attrs.frozen
class Mail:
    """A text mail. ``key`` is stable over retries, and becomes the Message-ID."""

    key: str
    recipient: str
    subject: str
    body: str


class IMailer(Interface):
    """Hands mail over. Sending one key twice should leave one mail where that can be had (a folder), and two mails of
    one Message-ID where it cannot (SMTP)."""

    async def send(mail: Mail) -> None:
        """Raises ``Unavailable`` for what may pass, its child ``MailServerUnreachable`` when no mail could be taken now, and ``Refused``
        for what will not pass."""


class Refused(Exception):
    """The other side said no for good; the text says why."""


class MailServerUnreachable(Unavailable):
    """Nobody is there to take anything: it says nothing about what was to be handed over."""

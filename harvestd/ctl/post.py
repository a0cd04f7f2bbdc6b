"""Doctor's checks of mail: that it reaches people, and that the mail server accepts it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harvestd.ctl.check_result import CheckResult
from harvestd.interfaces import Refused
from harvestd.kernel.errors import Unavailable
from harvestd.partners.mail import Sender
from harvestd.partners.smtp import SmtpMailer
from harvestd.partners.smtp_server import Server
from harvestd.settings.table import Settings
from harvestd.settings.urls import mask_url
from harvestd.store.embedded.running import kept

#: The timeout for all of it, in seconds.
PATIENCE = 5.0
#: Top-level names that are reserved (RFC 2606, RFC 6761, RFC 6762), and not resolvable on the internet.
NOWHERE = ("localhost", "local", "localdomain", "test", "example", "invalid", "internal", "lan", "home")


async def mail(reactor: Any, settings: Settings) -> AsyncIterator[CheckResult]:
    """Check that mail can be sent, and that its sender address can receive mail."""
    public = on_the_internet(urlsplit(settings.public_url).hostname or "")
    domain = settings.mail_from.rpartition("@")[2]
    if public and not on_the_internet(domain):
        cure = "set mail_from to an address of the market's own domain, which its mail server may send from"
        words = f"is from {settings.mail_from}, which is nowhere on the internet"
        yield CheckResult("mail", False, words, cure)
    if not settings.smtp_url:
        folder = Path(settings.data_dir) / "mail"
        words = f"goes to the folder {folder}{_missing(settings, folder)}, and to nobody"
        if public:
            words += f", though the market is at {settings.public_url}"
        yield CheckResult("mail", not public, words, "set smtp_url to a mail server that sends it")
        return
    try:
        mailer = SmtpMailer(
            reactor, settings.smtp_url, Sender(settings.mail_from, settings.market_name), lambda: datetime.now(UTC)
        )
        await mailer.check(PATIENCE)
    except (Unavailable, Refused, ValueError) as error:
        cure = "start the server, or correct smtp_url or mail_from; a password is sent over TLS alone (smtps://, or STARTTLS)"
        yield CheckResult("mail", False, f"{mask_url(settings.smtp_url)}: {error}", cure)
        return
    server = Server.at(settings.smtp_url)
    yield CheckResult("mail", True, f"{server.host}:{server.port} takes it")


def _missing(settings: Settings, folder: Path) -> str:
    """A remark about a mail folder that does not exist; "" if it does."""
    if folder.is_dir():
        return ""
    here = settings.database_url or kept(settings.data_dir)
    return " (made for the first mail)" if here else " (not there: there is no market here yet)"


def on_the_internet(host: str) -> bool:
    """Whether a name or address may be reachable from outside this machine and its network."""
    try:
        return ip_address(host.strip("[]")).is_global
    except ValueError:
        labels = host.rstrip(".").lower().split(".")
        return len(labels) > 1 and labels[-1] not in NOWHERE

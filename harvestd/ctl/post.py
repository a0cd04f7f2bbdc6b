"""Doctor's checks of mail: that it reaches people, and that the mail server accepts it."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from harvestd.ctl.check_result import CheckResult
from harvestd.partners.smtp import Server
from harvestd.settings.table import Settings
from harvestd.settings.urls import mask_url
from harvestd.store.embedded.server import kept

#: The timeout for each answer, in seconds.
PATIENCE = 5.0
#: Top-level names that are reserved (RFC 2606, RFC 6761, RFC 6762), and not resolvable on the internet.
NOWHERE = ("localhost", "local", "localdomain", "test", "example", "invalid", "internal", "lan", "home")


def mail(settings: Settings) -> Iterator[CheckResult]:
    """Check that mail can be sent, and that its sender address can receive mail."""
    public = on_the_internet(urlsplit(settings.public_url).hostname or "")
    domain = settings.mail_from.rpartition("@")[2]
    if public and not on_the_internet(domain):
        cure = "set mail_from to an address of the market's own domain, which its mail server may send from"
        yield CheckResult("mail", False, f"is from {settings.mail_from}, which is nowhere on the internet", cure)
    if not settings.smtp_url:
        folder = Path(settings.data_dir) / "mail"
        words = f"goes to the folder {folder}{_missing(settings, folder)}, and to nobody"
        if public:
            words += f", though the market is at {settings.public_url}"
        yield CheckResult("mail", not public, words, "set smtp_url to a mail server that sends it")
        return
    try:
        server = Server.at(settings.smtp_url)
        words = _handed_over(server, settings.mail_from)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        cure = "correct smtp_url or mail_from, or mend the server"
        yield CheckResult("mail", False, f"{mask_url(settings.smtp_url)}: {error}", cure)
        return
    yield CheckResult(
        "mail", not words, words or f"{server.host}:{server.port} takes it", "use smtps://, or a server with STARTTLS"
    )


def _missing(settings: Settings, folder: Path) -> str:
    """A remark about a mail folder that does not exist; "" if it does."""
    if folder.is_dir():
        return ""
    here = settings.database_url or kept(settings.data_dir)
    return " (made for the first mail)" if here else " (not there: there is no market here yet)"


def _handed_over(server: Server, sender: str) -> str:
    """Connect as the daemon does, up to the sender, which the server accepts or not; returns why the daemon would not send."""
    context = ssl.create_default_context()
    if not (server.implicit_tls or server.needs_tls):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # any certificate is accepted
    connection = (
        smtplib.SMTP_SSL(server.host, server.port, timeout=PATIENCE, context=context)
        if server.implicit_tls
        else smtplib.SMTP(server.host, server.port, timeout=PATIENCE)
    )
    with connection:
        connection.ehlo()
        if not server.implicit_tls and connection.has_extn("starttls"):
            connection.starttls(context=context)
            connection.ehlo()
        elif server.needs_tls and not server.implicit_tls:
            return f"{server.host}:{server.port} has no TLS: the password is not sent to it, and no mail"
        if server.user:
            connection.login(server.user.decode(), server.password.decode())
        code, said = connection.mail(sender)
        if code != 250:
            raise smtplib.SMTPSenderRefused(code, said, sender)
        connection.rset()
    return ""


def on_the_internet(host: str) -> bool:
    """Whether a name or address may be reachable from outside this machine and its network."""
    try:
        return ip_address(host.strip("[]")).is_global
    except ValueError:
        labels = host.rstrip(".").lower().split(".")
        return len(labels) > 1 and labels[-1] not in NOWHERE

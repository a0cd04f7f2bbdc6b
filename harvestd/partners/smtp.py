"""Mail through an SMTP server, one connection per mail.

``smtps://`` is TLS from the first byte; ``smtp://`` uses STARTTLS where it is offered. With a user name, verified TLS
is required before the password is sent (except to this machine itself); without one TLS is opportunistic (RFC 7435).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote, urlsplit

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory
from twisted.internet.ssl import CertificateOptions, optionsForClientTLS
from twisted.mail.smtp import (
    CramMD5ClientAuthenticator,
    ESMTPClient,
    LOGINAuthenticator,
    PLAINAuthenticator,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from harvestd.interfaces import IMailer, Mail, MailServerUnreachable, Refused
from harvestd.kernel.errors import Unavailable
from harvestd.partners.mail import Sender, address, compose
from harvestd.runtime import descriptors
from harvestd.runtime.shortages import SHORTAGES

#: Timeouts in seconds: to connect to an address; to resolve the server's addresses and connect to one, since a resolver
#: may not answer at all; for each answer of the server; and for a mail altogether.
CONNECT_LIMIT, REACH_LIMIT, ANSWER_LIMIT, MAIL_LIMIT = 10.0, 15.0, 20.0, 60.0
CLOSED = Failure(ConnectionDone())
PORTS = {"smtp": 25, "smtps": 465}


@attrs.frozen
class Server:
    """The mail server, read from a URL."""

    host: str
    port: int
    implicit_tls: bool
    user: bytes = b""
    password: bytes = attrs.field(default=b"", repr=False)

    @classmethod
    def at(cls, url: str) -> Server:
        """Raises ``ValueError``, without the password, for an invalid URL."""
        parts = urlsplit(url)
        try:
            port = parts.port or PORTS[parts.scheme]
        except (KeyError, ValueError):
            port = 0
        if not port or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError("smtp_url must look like smtp://user:password@host:587 or smtps://host")
        user, password = unquote(parts.username or "").encode(), unquote(parts.password or "").encode()
        return cls(parts.hostname, port, parts.scheme == "smtps", user, password)

    @property
    def needs_tls(self) -> bool:
        """Whether a password would otherwise be sent in clear text."""
        return bool(self.user) and not _loopback(self.host)


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@implementer(IMailer)
class SmtpMailer:
    """``url`` is the setting ``smtp_url``; ``trust_root`` replaces the platform's certificates."""

    def __init__(
        self, reactor: Any, url: str, sender: Sender, now: Callable[[], datetime], trust_root: Any = None
    ) -> None:
        self._reactor = reactor
        self._server = Server.at(url)
        self._sender = sender
        self._now = now
        self._trust_root = trust_root

    async def check(self, seconds: float) -> None:
        """Do all that a mail needs up to its sender, and no more, within ``seconds``. Raises as :meth:`send` does."""
        await self._exchanged(_Check(seconds, self._sender, "", b"", self._server, self._context()))

    async def send(self, mail: Mail) -> None:
        """One connection, with timeouts. Raises ``MailServerUnreachable``, ``Unavailable`` or ``Refused`` with the server's words."""
        if descriptors.spent():  # a DNS lookup would take long, and fail
            raise MailServerUnreachable(f"SMTP server {self._where}: {SHORTAGES['descriptors']}")
        content = compose(mail, self._sender, self._now(), eight_bit=False)
        exchange = _Exchange(MAIL_LIMIT, self._sender, address(mail.recipient), content, self._server, self._context())
        await self._exchanged(exchange)

    async def _exchanged(self, exchange: _Exchange) -> None:
        try:
            await Deferred.fromCoroutine(self._run(exchange)).addTimeout(exchange.limit, self._reactor)
        except (Unavailable, Refused) as error:
            raise type(error)(f"SMTP server {self._where}: {error}") from error
        except Exception as error:  # no connection, or no such name
            raise MailServerUnreachable(f"SMTP server {self._where}: {descriptors.cause_of(error)}") from error

    async def _run(self, exchange: _Exchange) -> None:
        connecting = self._endpoint().connect(Factory.forProtocol(lambda: exchange))
        await connecting.addTimeout(REACH_LIMIT, self._reactor, _unreachable)
        await exchange.done

    @property
    def _where(self) -> str:
        return f"{self._server.host}:{self._server.port}"

    def _context(self) -> Any:
        if self._server.implicit_tls or self._server.needs_tls:
            return optionsForClientTLS(self._server.host, trustRoot=self._trust_root)
        return CertificateOptions()

    def _endpoint(self) -> Any:
        endpoint = HostnameEndpoint(self._reactor, self._server.host, self._server.port, CONNECT_LIMIT)
        return wrapClientTLS(self._context(), endpoint) if self._server.implicit_tls else endpoint


def _unreachable(_: Any, seconds: float) -> Any:
    raise TimeoutError(f"not reached within {seconds:g} s")


_Untyped: Any = ESMTPClient


class _Exchange(_Untyped):  # type: ignore[misc]
    """One mail over one connection. ``done`` fires when the server has accepted it, or fails with the reason.

    A failure before the server has accepted the sender is not the mail's fault: ``MailServerUnreachable``.
    """

    debug = False  # its log would hold the password

    def __init__(
        self, limit: float, sender: Sender, recipient: str, content: bytes, server: Server, context: Any
    ) -> None:
        super().__init__(server.password, context, sender.domain)
        self.limit = limit
        self.timeout = min(ANSWER_LIMIT, limit)
        self.requireTransportSecurity = server.needs_tls
        self.requireAuthentication = bool(server.user)
        if server.user:
            for kind in (CramMD5ClientAuthenticator, LOGINAuthenticator, PLAINAuthenticator):
                self.registerAuthenticator(kind(server.user))
        self.done: Deferred[None] = Deferred(self._abandon)
        self._sender = sender.address
        self._recipient = recipient
        self._content = content
        self._accepted_sender = False

    def _abandon(self, _: Any) -> None:
        self._fail(f"not done within {self.limit:g} s")
        self.transport.abortConnection()

    def esmtpState_starttls(self, code: int, resp: bytes) -> None:
        self.clearLineBuffer()  # data received in clear text must not count as received under TLS
        super().esmtpState_starttls(code, resp)

    def getMailFrom(self) -> str | None:
        sender, self._sender = self._sender, ""
        return sender or None

    def getMailTo(self) -> list[bytes]:
        self._accepted_sender = True
        return [self._recipient.encode()]

    def getMailData(self) -> BytesIO:
        return BytesIO(self._content)

    def sentMail(self, code: int, resp: Any, numOk: int, addresses: Any, log: Any) -> None:
        if 200 <= code < 300:
            if not self.done.called:
                self.done.callback(None)
            return
        said = f"{code} {_text(addresses[-1][2] if addresses and not numOk else resp)}"
        if not self._accepted_sender:
            self._settle(MailServerUnreachable(f"it takes no mail from us, check mail_from and smtp_url: {said}"))
        elif code == 421:
            self._settle(MailServerUnreachable(said))
        else:
            self._settle(Refused(said) if code >= 500 else Unavailable(said))

    def sendError(self, exc: Any) -> None:
        super().sendError(exc)
        self._fail(_text(getattr(exc, "resp", "") or str(exc)))

    def connectionLost(self, reason: Failure = CLOSED) -> None:
        super().connectionLost(reason)
        self._fail(f"the connection was lost: {reason.getErrorMessage()}")

    def _fail(self, why: str) -> None:
        self._settle(Unavailable(why) if self._accepted_sender else MailServerUnreachable(why))

    def _settle(self, error: Exception) -> None:
        if not self.done.called:
            self.done.errback(error)


class _Check(_Exchange):
    """An exchange that ends once the server has accepted the sender."""

    def getMailTo(self) -> list[bytes]:
        self._accepted_sender = True
        self.done.callback(None)
        return []


def _text(answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return " ".join(text.split())[:200]

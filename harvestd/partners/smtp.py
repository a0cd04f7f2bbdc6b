"""Mail through an SMTP server, one connection per mail.

``smtps://`` is TLS from the first byte; ``smtp://`` uses STARTTLS where it is offered. With a user name, verified TLS
is required before the password is sent (except to this machine itself); without one TLS is opportunistic (RFC 7435).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.protocol import Factory
from twisted.internet.ssl import CertificateOptions, optionsForClientTLS
from zope.interface import implementer

from harvestd.interfaces import IMailer, Mail, MailServerUnreachable, Refused
from harvestd.kernel.errors import Unavailable
from harvestd.partners.mail import Sender, address, compose
from harvestd.partners.smtp_exchange import Check, Exchange
from harvestd.partners.smtp_server import Server
from harvestd.runtime import descriptors
from harvestd.runtime.shortages import SHORTAGES

#: Timeouts in seconds: to connect to an address; to resolve the server's addresses and connect to one, since a resolver
#: may not answer at all; and for a mail altogether.
CONNECT_LIMIT, REACH_LIMIT, MAIL_LIMIT = 10.0, 15.0, 60.0


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
        await self._exchanged(Check(seconds, self._sender, "", b"", self._server, self._context()))

    async def send(self, mail: Mail) -> None:
        """One connection, with timeouts. Raises ``MailServerUnreachable``, ``Unavailable`` or ``Refused`` with the server's words."""
        if descriptors.spent():  # a DNS lookup would take long, and fail
            raise MailServerUnreachable(f"SMTP server {self._where}: {SHORTAGES['descriptors']}")
        content = compose(mail, self._sender, self._now(), eight_bit=False)
        exchange = Exchange(MAIL_LIMIT, self._sender, address(mail.recipient), content, self._server, self._context())
        await self._exchanged(exchange)

    async def _exchanged(self, exchange: Exchange) -> None:
        try:
            await Deferred.fromCoroutine(self._run(exchange)).addTimeout(exchange.limit, self._reactor)
        except (Unavailable, Refused) as error:
            raise type(error)(f"SMTP server {self._where}: {error}") from error
        except Exception as error:  # no connection, or no such name
            raise MailServerUnreachable(f"SMTP server {self._where}: {descriptors.cause_of(error)}") from error

    async def _run(self, exchange: Exchange) -> None:
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

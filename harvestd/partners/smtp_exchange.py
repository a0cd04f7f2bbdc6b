"""One mail over one SMTP connection (RFC 5321), and whose fault its failure is."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.mail.smtp import CramMD5ClientAuthenticator, ESMTPClient, LOGINAuthenticator, PLAINAuthenticator
from twisted.python.failure import Failure

from harvestd.interfaces import MailServerUnreachable, Refused
from harvestd.kernel.errors import Unavailable
from harvestd.partners.mail import Sender
from harvestd.partners.smtp_server import Server

#: Timeout in seconds for each answer of the server.
ANSWER_LIMIT = 20.0
CLOSED = Failure(ConnectionDone())

_Untyped: Any = ESMTPClient


class Exchange(_Untyped):  # type: ignore[misc]
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


class Check(Exchange):
    """An exchange that ends once the server has accepted the sender."""

    def getMailTo(self) -> list[bytes]:
        self._accepted_sender = True
        self.done.callback(None)
        return []


def _text(answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return " ".join(text.split())[:200]

"""Requests to an issuer: JSON back, each within a time and a size, over TLS, to where it was told and nowhere else.

Twisted's Agent alone, which follows no redirect and asks for no compression: what a few bytes would become is bounded by nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import Agent, ResponseDone, ResponseFailed
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IBodyProducer
from zope.interface import implementer

from harvestd.interfaces import IssuerAway
from harvestd.runtime.lifecycle import within
from harvestd.settings.urls import is_loopback

#: Seconds for a whole exchange; bytes of an answer. An issuer's keys are some kilobytes.
SECONDS, MOST = 3.0, 262_144
FORM = "application/x-www-form-urlencoded"


class IssuerHttp:
    """A client without connections that outlive a request: sign-ins are rare."""

    def __init__(self, reactor: Any, seconds: float = SECONDS) -> None:
        self._reactor = reactor
        self._seconds = seconds
        self._agent = Agent(reactor, connectTimeout=seconds)

    async def json(self, method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> tuple[int, Any]:
        """Status and JSON of an answer, None for an answer that is none. Raises ``IssuerAway``."""
        waiting = True
        try:
            asking = self._asked(method, url, {"Accept": "application/json", **headers}, body, lambda: not waiting)
            status, content = await within(self._reactor, self._seconds, asking)
        except (CancelledError, IssuerAway):
            raise
        except Exception as error:  # no name, no connection, no TLS, no time: all of them say the same
            raise IssuerAway(f"{_place(url)}: {_why(error)}") from error
        finally:
            waiting = False
        try:
            return status, msgspec.json.decode(content)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            return status, None

    async def _asked(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None, over: Callable[[], bool]
    ) -> tuple[int, bytes]:
        given = Headers({name: [value] for name, value in headers.items()})
        producer = None if body is None else _Body(body)
        try:
            response: Any = await self._agent.request(method.encode(), url.encode("ascii"), given, producer)
            content = _Content(_place(url))
            response.deliverBody(content)
            return response.code, await content.done
        except Exception as error:
            if over():  # cancelled, which some of its parts report differently
                raise CancelledError from error
            raise


@implementer(IBodyProducer)
class _Body:
    """A form, written at once."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.length = len(content)

    def startProducing(self, consumer: Any) -> Deferred[None]:
        """All of it."""
        consumer.write(self._content)
        return succeed(None)

    def pauseProducing(self) -> None:
        """It is written already."""

    def resumeProducing(self) -> None:
        """Likewise."""

    def stopProducing(self) -> None:
        """Likewise."""


class _Content(Protocol):
    """Collects an answer of up to :data:`MOST` bytes; cancelling ``done`` closes the connection."""

    def __init__(self, place: str) -> None:
        self.done: Deferred[bytes] = Deferred(lambda _: self._close())
        self._place = place
        self._pieces = bytearray()

    def dataReceived(self, data: bytes) -> None:
        """Append it."""
        self._pieces += data
        if len(self._pieces) > MOST and not self.done.called:
            self.done.errback(IssuerAway(f"{self._place}: an answer of more than {MOST} bytes is not read"))
            self._close()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The end of the answer, or of the connection before it."""
        if self.done.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss):
            self.done.callback(bytes(self._pieces))
        else:
            self.done.errback(reason)

    def _close(self) -> None:
        transport: Any = self.transport
        if transport is not None:
            transport.abortConnection() if hasattr(transport, "abortConnection") else transport.loseConnection()


def usable(url: object, issuer: str) -> bool:
    """Whether a URL that an issuer names may be asked: by TLS, or on this machine where the issuer itself is there."""
    if not isinstance(url, str) or not url.isascii() or any(c <= " " or c == "\x7f" or c == "\\" for c in url):
        return False
    try:
        parts = urlsplit(url)
        own, _ = urlsplit(issuer), parts.port
    except ValueError:
        return False
    if not parts.hostname or parts.username is not None or parts.fragment:
        return False
    here = own.scheme == "http" and is_loopback(own.hostname or "")
    return parts.scheme == "https" or (parts.scheme == "http" and here and is_loopback(parts.hostname))


def _place(url: str) -> str:
    return urlsplit(url)._replace(query="").geturl()


def _why(error: BaseException) -> str:
    reasons = error.reasons if isinstance(error, ResponseFailed) else getattr(error, "reasons", None)
    return reasons[0].getErrorMessage() if reasons else f"{error}" or type(error).__name__

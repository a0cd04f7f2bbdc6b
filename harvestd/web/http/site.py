"""The Site: owns every client connection of the process, sweeps their deadlines, and feeds metrics and the access log."""

# mypy: disallow-untyped-calls=False
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import server
from twisted.web.http import datetimeToString
from twisted.web.resource import IResource

from harvestd.kernel.languages import spoken
from harvestd.runtime.metrics import Metrics
from harvestd.runtime.shortages import SHORTAGES
from harvestd.settings.table import Settings
from harvestd.web.http.access_log import Access, AccessLog
from harvestd.web.http.admission import Admission
from harvestd.web.http.channel import Channel
from harvestd.web.http.client_address import Proxies, is_loopback, parse_networks
from harvestd.web.http.closing import ClosingConnection
from harvestd.web.http.connection import Connection
from harvestd.web.http.cors import Cors
from harvestd.web.http.fast_path import Lane
from harvestd.web.http.holdings import Holdings
from harvestd.web.http.request import Request
from harvestd.web.http.request_path import logged
from harvestd.web.http.turns import Turns
from harvestd.web.problems import Problem

#: Seconds between deadline sweeps. One shared timer costs less than several per request.
SWEEP = 0.5
_errors = Logger()
_METHODS = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"})


#: The host names by which a browser on this machine reaches the server.
LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})


def hosts_of(settings: Settings) -> frozenset[str]:
    """The accepted host names, in lower case; ``*`` means any."""
    named = frozenset(name.strip().lower() for name in settings.allowed_hosts)
    if named:
        return named
    local = settings.http_host == "localhost" or is_loopback(settings.http_host)
    public = (urlsplit(settings.public_url).hostname or "").lower()
    return LOCAL | {public} if local and not settings.trusted_proxies else frozenset({"*"})


class Site(server.Site):
    """``body_limit(method, path)`` returns the largest accepted body of an address, in bytes."""

    protocol: Any = Channel
    requestFactory = Request
    displayTracebacks = False
    noisy = False

    def __init__(
        self,
        resource: IResource,
        settings: Settings,
        metrics: Metrics,
        reactor: Any,
        new_id: Callable[[], str],
        body_limit: Callable[[bytes, bytes], int],
    ) -> None:
        super().__init__(resource, timeout=None, reactor=reactor, parsePOSTFormSubmission=False)
        self.settings = settings
        self.languages = spoken(settings.market_languages)
        self.new_id = new_id
        self.body_limit = body_limit
        self.proxies = Proxies(parse_networks(settings.trusted_proxies))
        self.channels: set[Channel] = set()
        self.shortages = metrics.shortages
        self.admission = Admission(settings, self.proxies, self.shortages)
        self.turns = Turns(reactor)
        self.holdings = Holdings(settings.buffer_limit, self.channels)
        metrics.watch_buffers(self.holdings.count)
        self.draining = False
        self.access = AccessLog()
        self.cors = Cors(settings) if settings.cors_origins else None
        self.lane: Lane | None = None
        self._metrics = metrics
        self._hosts = hosts_of(settings)
        self._dated, self._date = 0, b""
        self._sweeper = LoopingCall(self.sweep)
        self._sweeper.clock = reactor

    def startFactory(self) -> None:
        """Start sweeping deadlines. Skips Twisted's own log file and clock."""
        if not self._sweeper.running:
            self._sweeper.start(SWEEP, now=False)

    def stopFactory(self) -> None:
        """Do nothing: open connections keep their deadlines until :meth:`finish`."""

    def close_idle(self) -> None:
        """Close idle keep-alive connections."""
        for channel in list(self.channels):
            if channel.stage == "idle":
                channel.loseConnection()

    def finish(self) -> None:
        """Abort the remaining connections and stop the sweep."""
        for channel in list(self.channels):
            channel.transport.abortConnection()
        if self._sweeper.running:
            self._sweeper.stop()
        self.access.flush()

    def buildProtocol(self, addr: Any) -> Any:
        """A channel, or None at a connection limit (Twisted then closes the connection)."""
        host = getattr(addr, "host", "")
        short = self.admission.refusal(host)
        if short:
            self._metrics.refused(short)
            self.shortages.tell(short, host)
            return None
        return super().buildProtocol(addr)

    def acceptableProtocols(self) -> list[bytes]:
        """HTTP/1.1 only: the proxy in front terminates HTTP/2."""
        return [b"http/1.1"]

    def answers_to(self, host: bytes) -> bool:
        """Whether the setting allows this Host; ``*.example.org`` allows every subdomain, ``*`` every name. Without the setting, a
        server bound to loopback accepts only its own names, against DNS rebinding: a foreign site whose name resolves to this
        machine. With a trusted proxy every name is accepted, since the proxy checks them."""
        if "*" in self._hosts:
            return True
        name = host.decode("ascii").lower()
        bare = name.rpartition(":")[0] if name[-1] != "]" and ":" in name else name
        parents = {"*" + bare[i:] for i, character in enumerate(bare) if character == "."}
        return bool({name, bare, *parents} & self._hosts)

    def date(self) -> bytes:
        """The value of the ``Date`` header, rebuilt once a second."""
        now = int(time.time())
        if now != self._dated:
            self._dated, self._date = now, datetimeToString(now)
        return self._date

    def sweep(self) -> None:
        """Check every connection's deadline, and flush the access log."""
        self.access.flush()
        now = self.reactor.seconds()
        for channel in list(self.channels):
            channel.check(now)

    # --- told by the channels and the requests ---

    def opened(self, channel: Channel) -> None:
        """A connection is open."""
        self.channels.add(channel)
        self.admission.opened(channel.host)
        self._metrics.connections(len(self.channels))

    def closed(self, channel: Channel) -> None:
        """A connection is gone."""
        if channel in self.channels:
            self.channels.discard(channel)
            self.admission.closed(channel.host)
        self._metrics.connections(len(self.channels))

    def ended(self, channel: Connection, why: str) -> None:
        """The server drops a connection without a response."""
        self._metrics.refused(why)
        if why in SHORTAGES:
            self.shortages.tell(why, channel.host)

    def refused(self, channel: ClosingConnection, problem: Problem, detail: str, request_id: str) -> None:
        """A connection was refused before its request was complete."""
        self._metrics.refused(problem.slug)
        address = self.proxies.client(channel.host, channel.heard(b"x-forwarded-for"))
        self.access.note(Access("", "", "", problem.status, 0, 0.0, request_id, "", address, problem.slug, detail))

    def log(self, request: Any) -> None:
        """A response was sent."""
        self._finished(request, request.code, request.sentLength)

    def hung_up(self, request: Request) -> None:
        """The client disconnected before its response; logged as 499, as nginx does. The handler runs to completion."""
        self._finished(request, 499, 0)

    def _finished(self, request: Request, status: int, size: int) -> None:
        method = request.method.decode("ascii") if request.method in _METHODS else "OTHER"
        self.answered(
            method, logged(request.instance), request.route_name, status, size, request.started, request.trace.request_id,
            request.user_id, request.address, request.problem,
        )  # fmt: skip

    def answered(
        self, method: str, path: str, route: str, status: int, size: int, started: float, request_id: str, user_id: str,
        address: str, problem: str = "",
    ) -> None:  # fmt: skip
        """Record a finished request in metrics and access log; ``started`` is by the reactor's clock."""
        seconds = self.reactor.seconds() - started
        self._metrics.answered(method, route, status, seconds)
        ms = round(seconds * 1000, 1)
        self.access.note(Access(method, path, route, status, size, ms, request_id, user_id, address, problem))

    def log_unexpected(self, request: Request, failure: Failure) -> None:
        """Log a bug in this program with its traceback and the request id that the client sees."""
        self.access.flush()
        _errors.failure(
            "{method} {path} failed unexpectedly, request {request_id}",
            failure=failure, method=request.method.decode("ascii", "replace"), path=logged(request.instance),
            request_id=request.trace.request_id,
        )  # fmt: skip

"""One client connection: HTTP/1.1 with a bound on everything that Twisted leaves open.

Twisted's ``HTTPChannel`` parses; this decides what is too much, too slow or not clear, and answers it with problem details
before it closes. What the specification lets a server guess at is refused, since a proxy in front may guess differently.
"""

# mypy: disallow-untyped-calls=False
from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from twisted.internet import tcp
from twisted.internet.interfaces import IHalfCloseableDescriptor, ITCPTransport
from twisted.protocols.basic import LineReceiver
from twisted.web import http

from harvestd.web import framing
from harvestd.web.problems import BY_SLUG, MEDIA_TYPE, Refusal, document

if TYPE_CHECKING:
    from harvestd.web.site import Site

#: More header lines than this are refused.
LINES = 150
#: How long what a refused client still sends is read and thrown away, so that it gets to see why (RFC 9112, 9.6).
LINGER = 2.0
#: A reader that takes less than this in the write deadline counts as taking nothing.
LEAST_READ = 4096


class Channel(http.HTTPChannel):
    """Stages of a connection, each with its deadline: ``idle`` (nothing of a request yet), ``head``, ``body``, ``work``
    (ours to answer, no deadline), ``closing`` (answered or refused for the last time)."""

    site: Site
    transport: Any

    def __init__(self) -> None:
        super().__init__()
        self.stage = "idle"
        self.due: float | None = None
        self.refused = False
        self.host = ""
        self._stalled: tuple[float, int] | None = None
        self._begin()

    def _begin(self) -> None:
        self._head_bytes = self._lines = self._body_bytes = 0
        self._body_limit: int | None = None
        self._in_head = False

    # --- the connection ---

    def connectionMade(self) -> None:
        limit = self.site.settings.header_limit
        self.MAX_LENGTH = self.totalHeadersSize = limit
        self.maxHeaders = LINES
        super().connectionMade()
        self.host = getattr(self.getPeer(), "host", "")
        self._enter("idle", self.site.settings.header_deadline)
        self.site.opened(self)

    def connectionLost(self, reason: Any = None) -> None:
        self.stage, self.due = "closed", None
        self.site.closed(self)
        super().connectionLost(reason)

    def dataReceived(self, data: bytes) -> None:
        if self.refused:
            return
        if self.stage == "idle":
            if self._short_way(data):
                return
            self._enter("head", self.site.settings.header_deadline)
        LineReceiver.dataReceived(self, data)

    def _short_way(self, data: bytes) -> bool:
        """Whether ``data`` was a whole request that the lane has answered. What came before it is done and taken."""
        lane = self.site.lane
        between = not (self._busyReceiving or self._buffer or self._waitingForTransport or self.paused)
        return lane is not None and between and lane.answer(self, data)

    def deliver(self, answer: bytes) -> None:
        """Write a whole answer to what never became a request, and wait for the next. Into the socket at once where nothing
        waits before it: the reactor need not be told to look whether that can be written to."""
        transport, sent = self.transport, 0
        if isinstance(transport, tcp.Connection) and not transport.TLS and not self._unsent():
            written = transport.writeSomeData(answer)
            sent = written if isinstance(written, int) else 0  # an error is one that the reactor will meet, too
        if sent < len(answer):
            transport.write(answer[sent:] if sent else answer)
        self._enter("idle", self.site.settings.idle_deadline)

    def _enter(self, stage: str, seconds: float | None) -> None:
        self.stage = stage
        self.due = None if seconds is None else self.site.reactor.seconds() + seconds

    # --- the head ---

    def lineReceived(self, line: bytes) -> None:
        if self.refused:
            return
        self._head_bytes += len(line) + 2
        if self._head_bytes > self.totalHeadersSize:
            return self.lineLengthExceeded(line)
        if self._in_head:
            self._lines += 1
            if line[:1] in (b" ", b"\t"):
                return self.refuse("malformed", "a header line begins with white space (obs-fold); put it on one line")
            if self._lines > LINES + 1:
                return self.refuse("headers-too-large", f"more than {LINES} header lines")
        self._in_head = self._in_head or bool(line)
        super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:
        self.refuse("headers-too-large", f"request line and headers have more than {self.totalHeadersSize} bytes")

    def headerReceived(self, line: bytes) -> bool:
        try:
            framing.check_header(line, self._version)
        except Refusal as refusal:
            self.refuse(refusal.slug, refusal.detail)
            return False
        return bool(super().headerReceived(line))

    def allHeadersReceived(self) -> None:
        if self.refused:
            return
        hosts = self.requests[-1].requestHeaders.getRawHeaders(b"Host", [])
        try:
            framing.check_hosts(hosts, self.site.answers_to)
            self._path, named = framing.origin_form(self._path, self._command)
            if named is not None:
                framing.check_hosts([named], self.site.answers_to)
            self._check_length()
        except Refusal as refusal:
            return self.refuse(refusal.slug, refusal.detail)
        if self.length != 0:
            self._enter("body", self.site.settings.body_deadline)
        super().allHeadersReceived()

    def _check_length(self) -> None:
        if self.length is not None and self.length > self.site.settings.body_limit:
            self._check_body(self.length)

    def checkPersistence(self, request: Any, version: bytes) -> bool:
        values = request.requestHeaders.getRawHeaders(b"Connection", [])
        tokens = {token.strip().lower() for value in values for token in value.split(b",")}
        return version == b"HTTP/1.1" and b"close" not in tokens and not self.site.draining

    # --- the body ---

    def rawDataReceived(self, data: bytes) -> None:
        if not self.refused:
            super().rawDataReceived(data)

    def take_body(self, size: int) -> bool:
        """Count bytes of the body as they come; False once they are too many (the request is refused by then)."""
        if self.refused:
            return False
        self._body_bytes += size
        if self._body_bytes > self.site.settings.body_limit:
            try:
                self._check_body(self._body_bytes)
            except Refusal as refusal:
                self.refuse(refusal.slug, refusal.detail)
                return False
        return True

    def _check_body(self, size: int) -> None:
        if self._body_limit is None:
            self._body_limit = self.site.body_limit(self._command, self._path)
        if size > self._body_limit:
            raise Refusal("too-large", f"the body has more than {self._body_limit} bytes")

    def allContentReceived(self) -> None:
        if self.refused:
            return
        self._begin()
        self._enter("work", None)
        super().allContentReceived()

    def requestDone(self, request: Any) -> None:
        if self.persistent:
            self._enter("idle", self.site.settings.idle_deadline)
        else:
            self._enter("closing", LINGER)
        super().requestDone(request)

    # --- the end ---

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse("malformed", "the request line, a header or a chunk breaks the rules of HTTP/1.1")

    def refuse(self, slug: str, detail: str) -> None:
        """Answer what cannot become a request, and close. Whatever follows on this connection is not looked at."""
        if self.refused:
            return
        self.refused = True
        problem, request_id = BY_SLUG[slug], self.site.new_id()
        instance = getattr(self, "_path", b"/").decode("ascii", "replace").partition("?")[0]
        body = document(problem, Refusal(slug, detail), instance, request_id)
        head = (
            f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}\r\nServer: harvestd\r\n"
            f"Content-Type: {MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\nX-Request-Id: {request_id}\r\n"
            "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
        )
        self.site.refused(self, problem, detail, request_id)
        self.transport.write(head.encode("ascii") + (b"" if getattr(self, "_command", b"") == b"HEAD" else body))
        self._linger()

    def _linger(self) -> None:
        """Close so that the answer arrives: with bytes unread, a plain close would reset the connection."""
        self._enter("closing", LINGER)
        if ITCPTransport.providedBy(self.transport) and IHalfCloseableDescriptor.providedBy(self.transport):
            self._networkProducer.resumeProducing()
            self.transport.loseWriteConnection()
        else:
            self.loseConnection()

    def check(self, now: float) -> None:
        """Called about twice a second: end what is past its deadline, or does not read its answer."""
        unsent = self._unsent()
        if unsent and self.stage in ("idle", "closing"):
            self._enter(self.stage, self._patience())  # which begins when the answer is taken
        if self._stalls(now, unsent):
            self.site.ended(self, "slow-reader")
            self.transport.abortConnection()
        elif self.due is not None and now >= self.due:
            self._overdue()

    def _patience(self) -> float:
        return self.site.settings.idle_deadline if self.stage == "idle" else LINGER

    def _overdue(self) -> None:
        if self.stage in ("head", "body"):
            self.refuse("timeout", f"the {'headers were' if self.stage == 'head' else 'body was'} not complete in time")
        elif self.stage == "idle":
            self.site.ended(self, "idle")
            self._enter("closing", LINGER)
            self.loseConnection()
        else:
            self.transport.abortConnection()

    def _unsent(self) -> int:
        """Bytes of answers that the client has not taken (Twisted's own counters; 0 where a transport has none)."""
        transport = self.transport
        waiting = len(getattr(transport, "dataBuffer", b"")) - getattr(transport, "offset", 0)
        return int(waiting + getattr(transport, "_tempDataLen", 0))

    def _stalls(self, now: float, unsent: int) -> bool:
        if unsent == 0:
            self._stalled = None
        elif self._stalled is None or self._stalled[1] - unsent >= LEAST_READ:
            self._stalled = (now, unsent)
        return self._stalled is not None and now - self._stalled[0] >= self.site.settings.write_deadline

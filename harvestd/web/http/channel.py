"""One client connection: HTTP/1.1 with a bound on everything that Twisted leaves open.

Twisted's ``HTTPChannel`` parses; this decides what is too much, too slow or not clear, and answers it with problem details
before it closes. What the specification lets a server guess at is refused, since a proxy in front may guess differently.
"""

# mypy: disallow-untyped-calls=False
from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from twisted.internet import tcp
from twisted.internet.interfaces import IHalfCloseableDescriptor, IHalfCloseableProtocol, ITCPTransport
from twisted.protocols.basic import LineReceiver
from twisted.web import http
from zope.interface import implementer

from harvestd.kernel.sentences import worded
from harvestd.web.http import framing
from harvestd.web.http.client_address import bucket_of
from harvestd.web.http.pace import Pace, unsent
from harvestd.web.problems import BY_SLUG, MEDIA_TYPE, Refusal, document, told_in

if TYPE_CHECKING:
    from harvestd.web.http.site import Site

#: More header lines than this are refused.
LINES = 150
#: Empty lines before a request line that mean nothing (RFC 9112, 2.2: old clients end a body so); more are no client's.
EMPTY_LINES = 8
#: How many bytes of objects a byte of header lines becomes, about.
HEAD_SHARE = 4
#: How long what a refused client still sends is read and thrown away, so that it gets to see why (RFC 9112, 9.6).
LINGER = 2.0
_LATE_HEAD, _LATE_BODY = "the headers were not complete in time", "the body was not complete in time"


@implementer(IHalfCloseableProtocol)
class Channel(http.HTTPChannel):
    """Stages of a connection, each with its deadline: ``idle`` (nothing of a request yet), ``head``, ``body``, ``work``
    (ours to answer, no deadline), ``held`` (a request is here and not begun, no deadline), ``closing`` (answered or refused
    for the last time).

    A request is begun only when all answers before it were taken over by the kernel, and one in a turn of the reactor: how
    many a client sends at once says nothing about what it may have of memory and time.
    """

    site: Site
    transport: Any

    def __init__(self) -> None:
        super().__init__()
        self.stage = "idle"
        self.due: float | None = None
        self.refused = False
        self.sent_all = False
        self.host = ""
        self._pace = Pace()
        self._given_up = self._in_line = False
        self._begin()

    def _begin(self) -> None:
        self._head_bytes = self._lines = self._body_bytes = self._empty = 0
        self._body_limit: int | None = None
        self._in_head = False

    # --- the connection ---

    def connectionMade(self) -> None:
        limit = self.site.settings.header_limit
        self.MAX_LENGTH = self.totalHeadersSize = limit
        self.maxHeaders = LINES
        super().connectionMade()
        self._ends = super().getHost(), super().getPeer()
        self.host = getattr(self.getPeer(), "host", "")
        self._enter("idle", self.site.settings.header_deadline)
        self.site.opened(self)

    def getHost(self) -> Any:
        """This end of the connection, as the kernel was asked once: each request asks."""
        return self._ends[0]

    def getPeer(self) -> Any:
        """The other."""
        return self._ends[1]

    def connectionLost(self, reason: Any = None) -> None:
        self.stage, self.due = "closed", None
        self.site.closed(self)
        super().connectionLost(reason)

    def readConnectionLost(self) -> None:
        """The client has sent all that it will (RFC 9112, 9.6): what it asked for whole is answered, then the connection ends."""
        self.sent_all = True
        if self.stage not in ("work", "held"):
            self._enter("closing", LINGER)
            self.transport.loseConnection()  # once what was written is sent

    def writeConnectionLost(self) -> None:
        """After a refusal: what the client still sends is read and thrown away."""

    def dataReceived(self, data: bytes) -> None:
        if self.refused:
            return
        if self.paused:  # reading is paused too, so that this is no more than was under way
            self._buffer += data
            if self.stage == "idle":
                self._enter("held", None)
            return
        if self.stage != "work" and not self.site.turns.at_once():
            return self._hold(data)
        if self.stage == "idle":
            if self._short_way(data):
                return
            due = self.due
            self._enter("head", self.site.settings.header_deadline)
            self._parse(data)
            if self.stage == "head" and not (self._in_head or self._buffer):  # empty lines are no request's beginning
                self.stage, self.due = "idle", due
            return
        self._parse(data)

    def _parse(self, data: bytes) -> None:
        self.site.holdings.more(len(data))
        LineReceiver.dataReceived(self, data)

    def _hold(self, data: bytes) -> None:
        """Keep it until it is this connection's turn, and read no more. What has begun to come keeps its deadline."""
        self._buffer += data
        if self.stage == "idle":
            self._enter("held", None)
        self._stand_in_line()
        self._networkProducer.pauseProducing()

    def _stand_in_line(self) -> None:
        self.paused = True
        if not self._in_line:
            self._in_line = True
            self.site.turns.wait(bucket_of(self.host), self)

    def _short_way(self, data: bytes) -> bool:
        """Whether ``data`` was a whole request that the lane has answered. What came before it is done and taken."""
        lane = self.site.lane
        between = not (self._busyReceiving or self._buffer or self._waitingForTransport or self.paused)
        return lane is not None and between and lane.answer(self, data)

    def deliver(self, answer: bytes, now: float) -> None:
        """Write a whole answer to what never became a request, and wait for the next. Most requests come by here, so it does what
        the other ways do by name in as few steps as it can."""
        self.write(answer)
        if self._head_bytes or self._empty:
            self._begin()
        self.stage, self.due = "idle", now + self.site.settings.idle_deadline

    def _enter(self, stage: str, seconds: float | None) -> None:
        self.stage = stage
        self.due = None if seconds is None else self.site.reactor.seconds() + seconds

    # --- the head ---

    def lineReceived(self, line: bytes) -> None:
        if self.refused:
            return
        if not line and not self._in_head:
            return self._pass_over_empty_line()  # whoever answered the last request
        self._head_bytes += len(line) + 2
        if self._head_bytes > self.totalHeadersSize:
            return self.lineLengthExceeded(line)
        if self._in_head:
            self._lines += 1
            if line[:1] in (b" ", b"\t"):
                return self.refuse("malformed", "a header line begins with white space (obs-fold); put it on one line")
            if self._lines > LINES + 1:
                return self.refuse(
                    "headers-too-large", worded("the request has more than {most} header lines", most=LINES)
                )
        self._in_head = self._in_head or bool(line)
        super().lineReceived(line)

    def _pass_over_empty_line(self) -> None:
        self._empty += 1
        if self._empty > EMPTY_LINES:
            self.refuse("malformed", worded("the request begins with more than {most} empty lines", most=EMPTY_LINES))

    def lineLengthExceeded(self, line: bytes) -> None:
        self.refuse(
            "headers-too-large",
            worded("the request line and the headers have more than {most} bytes", most=self.totalHeadersSize),
        )

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
        several = self.requests[-1].requestHeaders.getRawHeaders
        try:
            framing.check_hosts(several(b"host") or (), self.site.answers_to)
            framing.check_once(several)
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
        if self.length:
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
            raise Refusal("too-large", worded("the body has more than {most} bytes", most=self._body_limit))

    def allContentReceived(self) -> None:
        if self.refused:
            return
        self._begin()
        self._enter("work", None)
        super().allContentReceived()

    def requestDone(self, request: Any) -> None:
        if self.sent_all and not (self._buffer or any(self._dataBuffer)):
            self.persistent = False
        if not self.persistent:
            self._enter("closing", LINGER)
        elif self._buffer or any(self._dataBuffer):
            self._enter("held", None)
            self._stand_in_line()
        else:
            self._enter("idle", self.site.settings.idle_deadline)
        super().requestDone(request)
        if self.paused:
            self._networkProducer.pauseProducing()

    # --- not more than the client takes ---

    def pauseProducing(self) -> None:
        """Called when the transport is full: nothing more is read, parsed or begun."""
        super().pauseProducing()
        self.paused = True
        self._networkProducer.pauseProducing()

    def resumeProducing(self) -> None:
        """Called when all that was written is sent."""
        super().resumeProducing()
        if self._buffer or any(self._dataBuffer):
            self._networkProducer.pauseProducing()
            self._stand_in_line()
        else:
            self._go_on()

    def go_on(self) -> None:
        """Called when it is this connection's turn."""
        self._in_line = False
        self._go_on()

    def _go_on(self) -> None:
        """Parse on, if nothing stands against it any more."""
        if not self.paused or self._waitingForTransport or self.stage in ("closing", "closed"):
            return
        self.paused = False
        if not self._handlingRequest:
            self._networkProducer.resumeProducing()
        if not (self.stage == "held" and self._held_for_the_lane()):
            LineReceiver.dataReceived(self, b"")
        if self.sent_all:
            self.readConnectionLost()

    def _held_for_the_lane(self) -> bool:
        """Whether what was held was a whole request that the lane has answered."""
        data, self._buffer = self._buffer, b""
        if data and not any(self._dataBuffer) and self._short_way(data):
            return True
        self._buffer = data
        self._wait_for_head()
        return False

    def fail(self) -> None:
        """Called when :meth:`go_on` raised."""
        self.transport.abortConnection()

    def _wait_for_head(self) -> None:
        settings = self.site.settings
        if self._buffer:
            self._enter("head", settings.header_deadline)
        else:
            self._enter("idle", settings.idle_deadline)

    # --- the end ---

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse("malformed", "the request line, a header or a chunk breaks the rules of HTTP/1.1")

    def refuse(self, slug: str, detail: str) -> None:
        """Answer what cannot become a request, and close. Whatever follows on this connection is not looked at."""
        if self.refused:
            return
        self.refused = True
        problem, request_id = BY_SLUG[slug], self.site.new_id()
        language = self.site.languages[0]  # its headers, if any came, were not read
        instance = getattr(self, "_path", b"/").decode("ascii", "replace").partition("?")[0]
        refusal = Refusal(slug, detail)
        body = document(problem, refusal, instance, request_id, language)
        head = (
            f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}\r\nServer: harvestd\r\n"
            f"Content-Type: {MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\nContent-Language: {told_in(problem, refusal, language)}\r\nX-Request-Id: {request_id}\r\n"
            "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
        )
        self.site.refused(self, problem, detail, request_id)
        self.write(head.encode("ascii") + (b"" if getattr(self, "_command", b"") == b"HEAD" else body))
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
        if self.due is not None and (self.paused or self.stage in ("idle", "closing")) and unsent(self.transport):
            self._enter(self.stage, self._patience())  # which begins when the answer is taken
        settings = self.site.settings
        if self._pace.too_slow(now, self.transport, settings.write_deadline, settings.read_rate_least):
            self.give_up("slow-reader")
        elif self.due is not None and now >= self.due:
            self._overdue()

    def _patience(self) -> float:
        settings = self.site.settings
        patience = {"idle": settings.idle_deadline, "head": settings.header_deadline, "body": settings.body_deadline}
        return patience.get(self.stage, LINGER)

    def _overdue(self) -> None:
        if self.stage in ("head", "body"):
            self.refuse("timeout", _LATE_HEAD if self.stage == "head" else _LATE_BODY)
        elif self.stage == "idle":
            self.site.ended(self, "idle")
            self._enter("closing", LINGER)
            self.loseConnection()
        else:
            self.transport.abortConnection()

    # --- what it holds ---

    def write(self, data: bytes) -> None:
        """Called by the request. Into the socket at once where nothing waits before it: the reactor need not be told to look
        whether that can be written to, which takes longer than to write."""
        self._pace.written += len(data)
        transport, sent = self.transport, 0
        plain = isinstance(transport, tcp.Connection) and not transport.TLS and transport.connected
        if plain and not (transport.dataBuffer or transport._tempDataLen or transport._writeDisconnected):
            written = transport.writeSomeData(data)
            sent = written if isinstance(written, int) else 0  # an error is one that the reactor will meet, too
        if sent < len(data):
            transport.write(data[sent:] if sent else data)
            self.site.holdings.more(len(data) - sent)

    def held(self) -> int:
        """Bytes in memory that would be free without this connection."""
        if self._given_up or self.stage == "closed":
            return 0
        transport = self.transport
        waiting = len(getattr(transport, "dataBuffer", b"")) + getattr(transport, "_tempDataLen", 0) + len(self._buffer)
        if self.stage == "idle":
            return int(waiting)
        queued = sum(map(len, self._dataBuffer))
        body = getattr(self.requests[-1].content, "held", 0) if self.stage == "body" and self.requests else 0
        return int(waiting + queued + self._head_bytes * HEAD_SHARE + body)

    def give_up(self, why: str) -> None:
        """End it without a word; ``why`` is a shortage's name."""
        if not self._given_up:
            self._given_up = True
            self.site.ended(self, why)
            self.transport.abortConnection()

"""One client connection: HTTP/1.1 with a bound on everything that Twisted leaves unbounded.

Twisted's ``HTTPChannel`` parses; this class decides what is too large, too slow or ambiguous, and answers it with problem details
before closing. Input that the specification lets a server interpret is refused: a proxy in front may interpret it differently
(request smuggling).
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

from harvestd.kernel import languages
from harvestd.kernel.formatting import Duration, Size
from harvestd.kernel.sentences import worded
from harvestd.web.http import framing
from harvestd.web.http.client_address import bucket_of
from harvestd.web.http.pace import Pace, unsent
from harvestd.web.problems import BY_SLUG, MEDIA_TYPE, Refusal, document, told_in
from harvestd.web.replies import CLOSED_POLICY, SECURITY
from harvestd.web.tracing import REQUEST_ID

if TYPE_CHECKING:
    from harvestd.web.http.site import Site

#: Maximum number of header lines.
LINES = 150
#: Ignored empty lines before a request line (RFC 9112, 2.2: old clients end a body so); no real client sends more.
EMPTY_LINES = 8
#: Approximate bytes of Python objects per byte of header lines.
HEAD_SHARE = 4
#: Lingering close: seconds in which a refused client's input is read and discarded, so that it gets the response (RFC 9112, 9.6).
LINGER = 2.0
_GUARDED = "".join(f"{name.decode()}: {value.decode()}\r\n" for name, value in (*SECURITY, CLOSED_POLICY))
_LATE_HEAD = "the headers were not complete within {time}; send them again, over a better connection"
_LATE_BODY = "the body was not complete within {time}; send it again, over a better connection or in smaller parts"


@implementer(IHalfCloseableProtocol)
class Channel(http.HTTPChannel):
    """Stages of a connection, each with its deadline: ``idle`` (no byte of a request yet), ``head``, ``body``, ``work``
    (the handler runs, no deadline), ``held`` (a request has arrived and is not started, no deadline), ``closing`` (the last
    response or refusal was written).

    A request starts only when the kernel has taken over all earlier responses, and one per reactor iteration: pipelining many
    requests gives a client no larger share of memory and time.
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
        self._last_line = b""

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
        """The local address, cached at connect: every request asks for it, and the kernel call costs."""
        return self._ends[0]

    def getPeer(self) -> Any:
        """The remote address, likewise."""
        return self._ends[1]

    def connectionLost(self, reason: Any = None) -> None:
        self.stage, self.due = "closed", None
        self.site.closed(self)
        super().connectionLost(reason)

    def readConnectionLost(self) -> None:
        """The client half-closed (RFC 9112, 9.6): answer its complete requests, then close the connection."""
        self.sent_all = True
        if self.stage not in ("work", "held"):
            self._enter("closing", LINGER)
            self.transport.loseConnection()  # after flushing the write buffer

    def writeConnectionLost(self) -> None:
        """After a refusal: further input is read and discarded."""

    def dataReceived(self, data: bytes) -> None:
        if self.refused:
            return
        if self.paused:  # reading is paused too, so this is only data already in flight
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
            if self.stage == "head" and not (self._in_head or self._buffer):  # empty lines do not start a request
                self.stage, self.due = "idle", due
            return
        self._parse(data)

    def _parse(self, data: bytes) -> None:
        self.site.holdings.more(len(data))
        LineReceiver.dataReceived(self, data)

    def _hold(self, data: bytes) -> None:
        """Buffer ``data`` until it is this connection's turn, and pause reading. A partly received request keeps its deadline."""
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
        """Whether the fast path answered ``data`` as a complete request. Requires that nothing before it is pending."""
        lane = self.site.lane
        between = not (self._busyReceiving or self._buffer or self._waitingForTransport or self.paused)
        return lane is not None and between and lane.answer(self, data)

    def deliver(self, answer: bytes, now: float) -> None:
        """Write a complete response without a Request object, and go back to idle. This is the hot path for most requests, so it
        inlines what the other paths do by method calls."""
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
            return self._pass_over_empty_line()  # whether the lane or Twisted handled the last request
        self._head_bytes += len(line) + 2
        if self._head_bytes > self.totalHeadersSize:
            return self.lineLengthExceeded(line)
        if self._in_head:
            self._lines += 1
            if line[:1] in (b" ", b"\t"):
                return self.refuse("malformed", "a header line begins with white space (obs-fold); put it on one line")
            if self._lines > LINES + 1:
                return self.refuse(
                    "headers-too-large",
                    worded(
                        "the request has more than {most} header lines; send fewer, or clear the cookies of this site",
                        most=LINES,
                    ),
                )
        self._in_head = self._in_head or bool(line)
        self._last_line = line
        super().lineReceived(line)

    def _pass_over_empty_line(self) -> None:
        self._empty += 1
        if self._empty > EMPTY_LINES:
            self.refuse(
                "malformed",
                worded(
                    "the request begins with more than {most} empty lines; begin it with the request line",
                    most=EMPTY_LINES,
                ),
            )

    def lineLengthExceeded(self, line: bytes) -> None:
        self.refuse(
            "headers-too-large",
            worded(
                "the request line and the headers are longer than {most}; shorten them, or clear the cookies of this site",
                most=Size(self.totalHeadersSize),
            ),
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
        """Count incoming body bytes; False once over the limit (the request is then already refused)."""
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
            most = self._body_limit
            raise Refusal(
                "too-large",
                worded("the body is larger than {most}; send less, in several requests if need be", most=Size(most)),
            )

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

    # --- backpressure ---

    def pauseProducing(self) -> None:
        """Called when the write buffer is full: stop reading, parsing and starting requests."""
        super().pauseProducing()
        self.paused = True
        self._networkProducer.pauseProducing()

    def resumeProducing(self) -> None:
        """Called when the write buffer has drained."""
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
        """Resume parsing, if nothing blocks it any more."""
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
        """Whether the fast path answered the held bytes as a complete request."""
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
        """Answer input that cannot become a request, and close. Later input on this connection is ignored."""
        if self.refused:
            return
        self.refused = True
        if self.requests and self.requests[-1].content is not None:
            self.requests[-1].content.close()  # it may take a while until the connection is closed
        problem, request_id = BY_SLUG[slug], self._request_id()
        language = languages.choose(",".join(self.heard(b"accept-language")), self.site.languages)
        instance = getattr(self, "_path", b"/").decode("ascii", "replace").partition("?")[0]
        refusal = Refusal(slug, detail)
        body = document(problem, refusal, instance, request_id, language)
        head = (
            f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}\r\nServer: harvestd\r\n"
            f"Content-Type: {MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\nContent-Language: {told_in(problem, refusal, language)}\r\n"
            f"Vary: Accept-Language\r\nX-Request-Id: {request_id}\r\n"
            f"{_GUARDED}Cache-Control: no-store\r\nConnection: close\r\n\r\n"
        )
        self.site.refused(self, problem, detail, request_id)
        self.write(head.encode("ascii") + (b"" if getattr(self, "_command", b"") == b"HEAD" else body))
        self._linger()

    def _request_id(self) -> str:
        """The client's (or the proxy's), if it arrived and is well formed; otherwise a fresh one."""
        heard = self.heard(b"x-request-id")
        return heard[-1] if heard and REQUEST_ID.match(heard[-1]) else self.site.new_id()

    def heard(self, name: bytes) -> list[str]:
        """The values of a header of the present request, as far as its head was read. Twisted puts a line among the headers when it has
        the next one, so the last one is looked at here."""
        request = self.requests[-1] if self.requests else None
        values = list((request.requestHeaders.getRawHeaders(name) or ()) if request is not None else ())
        last, colon, value = self._last_line.partition(b":")
        values += [value.strip()] if self._in_head and colon and last.lower() == name else []
        return [value.decode("latin-1") for value in values]

    def _linger(self) -> None:
        """Lingering close: with unread input, a plain close would reset the connection before the response arrives."""
        self._enter("closing", LINGER)
        if ITCPTransport.providedBy(self.transport) and IHalfCloseableDescriptor.providedBy(self.transport):
            self._networkProducer.resumeProducing()
            self.transport.loseWriteConnection()
        else:
            self.loseConnection()

    def check(self, now: float) -> None:
        """Called about twice a second: end connections past their deadline, and slow clients that do not read their response."""
        if self.due is not None and (self.paused or self.stage in ("idle", "closing")) and unsent(self.transport):
            self._enter(self.stage, self._patience())  # the deadline runs from when the client has taken the response
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
            time = Duration(self._patience())
            self.refuse("timeout", worded(_LATE_HEAD if self.stage == "head" else _LATE_BODY, time=time))
        elif self.stage == "idle":
            self.site.ended(self, "idle")
            self._enter("closing", LINGER)
            self.loseConnection()
        else:
            self.transport.abortConnection()

    # --- memory held ---

    def write(self, data: bytes) -> None:
        """Called by the request. Writes straight to the socket if nothing is queued: registering with the reactor for writability
        takes longer than the write."""
        self._pace.written += len(data)
        transport, sent = self.transport, 0
        plain = isinstance(transport, tcp.Connection) and not transport.TLS and transport.connected
        if plain and not (transport.dataBuffer or transport._tempDataLen or transport._writeDisconnected):
            written = transport.writeSomeData(data)
            sent = written if isinstance(written, int) else 0  # the reactor meets the same error and handles it
        if sent < len(data):
            transport.write(data[sent:] if sent else data)
            self.site.holdings.more(len(data) - sent)

    def held(self) -> int:
        """Bytes of memory that closing this connection would free."""
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
        """Abort the connection without a response; ``why`` is a shortage's name."""
        if not self._given_up:
            self._given_up = True
            self.site.ended(self, why)
            self.transport.abortConnection()

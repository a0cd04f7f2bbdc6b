"""One client connection: its addresses, its stage and deadline, what is written to it, and the memory that it holds."""

# mypy: disallow-untyped-calls=False
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet import tcp
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.web import http
from zope.interface import implementer

from harvestd.web.http.pace import Pace
from harvestd.web.http.pieces import Pieces

if TYPE_CHECKING:
    from harvestd.web.http.site import Site

#: Maximum number of header lines.
LINES = 150
#: Approximate bytes of Python objects per byte of header lines.
HEAD_SHARE = 4
#: Lingering close: seconds in which a refused client's input is read and discarded, so that it gets the response (RFC 9112, 9.6).
LINGER = 2.0


@implementer(IHalfCloseableProtocol)
class Connection(http.HTTPChannel):
    """Stages of a connection, each with its deadline: ``idle`` (no byte of a request yet), ``head``, ``body``, ``work``
    (the handler runs, no deadline), ``held`` (a request has arrived and is not started, no deadline), ``closing`` (the last
    response or refusal was written)."""

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
        self._given_up = False
        self.pieces: Pieces | None = None
        self._begin()

    def _begin(self) -> None:
        """Forget the last request: these count what has arrived of the next one."""
        self._head_bytes = self._lines = self._body_bytes = self._empty = 0
        self._body_limit: int | None = None
        self._in_head = False
        self._last_line = b""

    def connectionMade(self) -> None:
        limit = self.site.settings.header_limit
        self.MAX_LENGTH = self.totalHeadersSize = limit
        self.maxHeaders = LINES
        super().connectionMade()
        self._ends = super().getHost(), super().getPeer()
        self.host = getattr(self.getPeer(), "host", "")
        self._enter("idle", self.site.settings.header_deadline)

    def getHost(self) -> Any:
        """The local address, cached at connect: every request asks for it, and the kernel call costs."""
        return self._ends[0]

    def getPeer(self) -> Any:
        """The remote address, likewise."""
        return self._ends[1]

    def readConnectionLost(self) -> None:
        """The client half-closed (RFC 9112, 9.6): answer its complete requests, then close the connection."""
        self.sent_all = True
        if self.stage not in ("work", "held"):
            self._enter("closing", LINGER)
            self.transport.loseConnection()  # after flushing the write buffer

    def writeConnectionLost(self) -> None:
        """After a refusal: further input is read and discarded."""

    def _enter(self, stage: str, seconds: float | None) -> None:
        self.stage = stage
        self.due = None if seconds is None else self.site.reactor.seconds() + seconds

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
        if self.pieces is not None:
            waiting += self.pieces.held()
        if self.stage == "idle":
            return int(waiting)
        queued = sum(map(len, self._dataBuffer))
        body = getattr(self.requests[-1].content, "held", 0) if self.stage == "body" and self.requests else 0
        return int(waiting + queued + self._head_bytes * HEAD_SHARE + body)

    def give_up(self, why: str) -> None:
        """Abort the connection without a response; ``why`` is a shortage's name."""
        if not self._given_up:
            self._given_up = True
            if self.pieces is not None:
                self.pieces.stopProducing()
            self.site.ended(self, why)
            self.transport.abortConnection()

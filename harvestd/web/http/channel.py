"""When a client's requests are read, started and answered: in turn with those of others, and no faster than it takes the responses.

The channel is a :class:`~harvestd.web.http.connection.Connection`, which refuses and ends by deadlines (``closing.py``) and bounds what it
parses (``parsing.py``).
"""

# mypy: disallow-untyped-calls=False
from __future__ import annotations

from typing import Any

from twisted.protocols.basic import LineReceiver

from harvestd.web.http.client_address import bucket_of
from harvestd.web.http.connection import LINGER
from harvestd.web.http.parsing import ParsingConnection


class Channel(ParsingConnection):
    """A request starts only when the kernel has taken over all earlier responses, and one per reactor iteration: pipelining many
    requests gives a client no larger share of memory and time."""

    #: Whether a turn was asked for that has not come.
    _in_line = False

    def connectionMade(self) -> None:
        super().connectionMade()
        self.site.opened(self)

    def connectionLost(self, reason: Any = None) -> None:
        self.stage, self.due = "closed", None
        if self.pieces is not None:
            self.pieces.stopProducing()
        self.site.closed(self)
        super().connectionLost(reason)

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

"""The head and the body of a request, as they arrive: bounds on all that Twisted leaves unbounded.

Twisted's ``HTTPChannel`` parses; here is decided what is too large or ambiguous. Input that the specification lets a server interpret is
refused (``framing.py``): a proxy in front may interpret it differently (request smuggling).
"""

# mypy: disallow-untyped-calls=False
from __future__ import annotations

from typing import Any

from harvestd.kernel.sentences import worded
from harvestd.kernel.told_values import Size
from harvestd.web.http import framing
from harvestd.web.http.closing import ClosingConnection
from harvestd.web.http.connection import LINES
from harvestd.web.problems import Refusal

#: Ignored empty lines before a request line (RFC 9112, 2.2: old clients end a body so); no real client sends more.
EMPTY_LINES = 8


class ParsingConnection(ClosingConnection):
    """Counts header lines and bytes of the request that is arriving, and refuses it once they are too many."""

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

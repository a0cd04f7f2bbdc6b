"""How the server ends a connection: by refusing what cannot become a request, and by deadlines."""

# mypy: disallow-untyped-calls=False
from __future__ import annotations

from http import HTTPStatus

from twisted.internet.interfaces import IHalfCloseableDescriptor, ITCPTransport

from harvestd.kernel import languages
from harvestd.kernel.sentences import worded
from harvestd.kernel.told_values import Duration
from harvestd.web.http.connection import LINGER, Connection
from harvestd.web.http.pace import unsent
from harvestd.web.problem_details import MEDIA_TYPE, document, told_in
from harvestd.web.problems import BY_SLUG, Refusal
from harvestd.web.replies import CLOSED_POLICY, SECURITY
from harvestd.web.tracing import REQUEST_ID

_GUARDED = "".join(f"{name.decode()}: {value.decode()}\r\n" for name, value in (*SECURITY, CLOSED_POLICY))
_LATE_HEAD = "the headers were not complete within {time}; send them again, over a better connection"
_LATE_BODY = "the body was not complete within {time}; send it again, over a better connection or in smaller parts"


class ClosingConnection(Connection):
    """Answers with problem details before it closes; a deadline that no request waits for closes without an answer."""

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

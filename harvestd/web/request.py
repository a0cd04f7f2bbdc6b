"""One request as it came, and the one way in which an answer leaves."""

# mypy: disallow-untyped-calls=False
from __future__ import annotations

from http import HTTPStatus
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from twisted.internet.interfaces import IAddress
from twisted.web import server
from twisted.web.http import datetimeToString

from harvestd.context import Trace
from harvestd.web.problems import Refusal
from harvestd.web.replies import CLOSED_POLICY, SECURITY, Headers, Reply, of_error
from harvestd.web.tracing import trace_of

if TYPE_CHECKING:
    from harvestd.web.site import Site

#: Bodies above this are kept in a temporary file.
IN_MEMORY = 1_048_576
_PHRASES = {status.value: status.phrase.encode("ascii") for status in HTTPStatus}


class Request(server.Request):
    """What Twisted parses of it is only what is needed: never forms, which it would hold whole, several times over.

    ``address`` and ``secure`` take trusted proxies into account. ``route_name``, ``user_id``, ``problem`` are what the log
    says of it. ``more`` are headers for whatever the answer will be.
    """

    site: Site
    channel: Any
    defaultContentType = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.trace = Trace()
        self.route_name = "unmatched"
        self.user_id = ""
        self.problem = ""
        self.address = ""
        self.secure = False
        self.started = 0.0
        self.more: Headers = ()

    # --- what arrives ---

    def gotLength(self, length: int | None) -> None:
        small = length is not None and length <= IN_MEMORY
        self.content: Any = BytesIO() if small else SpooledTemporaryFile(max_size=IN_MEMORY)

    def parseCookies(self) -> None:
        """Handlers that want cookies parse them."""

    def handleContentChunk(self, data: bytes) -> None:
        if self.channel.take_body(len(data)):
            self.content.write(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        self.content.seek(0)
        self.method, self.uri, self.clientproto = command, path, version
        self.path, _, self.query = path.partition(b"?")
        self.args = {}
        self.process()

    def process(self) -> None:
        self.site = self.channel.site
        self.started = self.site.reactor.seconds()
        self.trace = trace_of(self.text(b"x-request-id"), self.text(b"traceparent"), self.site.new_id)
        self._look_behind_proxies()
        try:
            self._route()
        except Refusal as refusal:
            self.answer(of_error(refusal, self.instance, self.trace.request_id))
        except Exception as error:
            self.site.log_unexpected(self)
            self.answer(of_error(error, self.instance, self.trace.request_id))

    def _route(self) -> None:
        if self.path == b"*":  # OPTIONS * asks about the server as a whole
            return self.answer(Reply(204, ((b"Allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),)))
        path = unquote_to_bytes(self.path)
        try:
            text = path.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Refusal("malformed", "the address is not percent-encoded UTF-8") from error
        if any(character < " " or character == "\x7f" for character in text):
            raise Refusal("malformed", "the address has a control character")
        if path.count(b"/") != self.path.count(b"/") or path.startswith(b"//"):  # %2F would be taken for a separator
            raise Refusal("not-found", "no address here has a slash in a name, or an empty one")
        self.prepath, self.postpath = [], path[1:].split(b"/")
        self.site.resource.render(self)

    def _look_behind_proxies(self) -> None:
        proxies = self.site.proxies
        peer: IAddress = self.client
        host = getattr(peer, "host", "")
        self.address = proxies.client(host, self.requestHeaders.getRawHeaders("x-forwarded-for", []))
        self.secure = self.isSecure() or (proxies.trusts(host) and self.text(b"x-forwarded-proto").lower() == "https")

    # --- what is asked of it ---

    @property
    def instance(self) -> str:
        """The path as it was requested."""
        return self.path.decode("ascii", "replace")

    def text(self, name: bytes) -> str:
        """A header's only or last value, or "". Headers are Latin-1 (RFC 9110, 5.5)."""
        values = self.requestHeaders.getRawHeaders(name)
        return values[-1].decode("latin-1") if values else ""

    def getRequestHostname(self) -> bytes:
        """The same for everybody: routes do not depend on the host, and Klein need not look at it."""
        return b"localhost"

    @property
    def gone(self) -> bool:
        """Whether the client hung up, so that nobody waits for an answer."""
        return bool(self._disconnected or self.finished)

    # --- what leaves ---

    def begin(self, reply: Reply) -> bytes:
        """Set status and headers; answers the body for whoever writes it."""
        self.problem = reply.problem
        self.setResponseCode(reply.status, _PHRASES[reply.status])
        headers = self.responseHeaders
        for name, value in (*SECURITY, *self.more, *reply.headers):
            headers.addRawHeader(name, value)
        if reply.header(b"Content-Security-Policy") is None:
            headers.addRawHeader(*CLOSED_POLICY)
        headers.setRawHeaders(b"Server", [b"harvestd"])
        headers.setRawHeaders(b"Date", [datetimeToString()])
        headers.setRawHeaders(b"X-Request-Id", [self.trace.request_id])
        if reply.status not in (204, 304):
            headers.setRawHeaders(b"Content-Length", [b"%d" % len(reply.body)])
        if self.site.draining and self.channel is not None:
            self.channel.persistent = False
            headers.setRawHeaders(b"Connection", [b"close"])
        return reply.body

    def answer(self, reply: Reply) -> None:
        """Write the whole answer, unless nobody is there."""
        if not self.gone:
            self.write(self.begin(reply))
            self.finish()

    def processingFailed(self, reason: Any) -> Any:
        """Twisted's last resort, without its page."""
        self.site.log_unexpected(self, reason)
        if not self.startedWriting:
            self.answer(of_error(reason.value, self.instance, self.trace.request_id))
        return reason

    def connectionLost(self, reason: Any) -> None:
        waiting = self.started and not self.finished
        super().connectionLost(reason)
        if waiting:
            self.site.hung_up(self)

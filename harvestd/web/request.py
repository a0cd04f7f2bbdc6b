"""One request as it came, and the one way in which an answer leaves."""

# mypy: disallow-untyped-calls=False
from __future__ import annotations

from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from twisted.internet.interfaces import IAddress
from twisted.web import server

from harvestd.context import Trace
from harvestd.web.problems import Refusal
from harvestd.web.replies import BODILESS, Headers, Reply, of_error, opening, rest_of
from harvestd.web.tracing import trace_of

if TYPE_CHECKING:
    from harvestd.web.site import Site

#: Bodies above this are kept in a temporary file.
IN_MEMORY = 1_048_576
_UNKNOWN = Trace()


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
        self.trace = _UNKNOWN
        self.route_name = "unmatched"
        self.user_id = ""
        self.problem = ""
        self.address = ""
        self.secure = False
        self.started = 0.0
        self.more: Headers = ()
        self._head: bytes | None = None

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
        self.secure = self.channel.isSecure() or (
            proxies.trusts(host) and self.text(b"x-forwarded-proto").lower() == "https"
        )

    # --- what is asked of it ---

    @property
    def instance(self) -> str:
        """The path as it was requested."""
        return self.path.decode("ascii", "replace")

    def text(self, name: bytes) -> str:
        """A header's only or last value, or "". Headers are Latin-1 (RFC 9110, 5.5)."""
        values = self.requestHeaders.getRawHeaders(name)
        return values[-1].decode("latin-1") if values else ""

    def isSecure(self) -> bool:
        """For Klein alone, whose routes do not depend on it; :attr:`secure` is what counts."""
        return False

    def getRequestHostname(self) -> bytes:
        """The same for everybody: routes do not depend on the host, and Klein need not look at it."""
        return b"localhost"

    @property
    def gone(self) -> bool:
        """Whether the client hung up, so that nobody waits for an answer."""
        return bool(self._disconnected or self.finished)

    # --- what leaves ---

    def begin(self, reply: Reply) -> bytes:
        """Take status and headers for the answer; gives its body back for whoever writes it, which sends both at once."""
        self.problem, self.code = reply.problem, reply.status
        head = opening(reply.status, self.site.date(), self.trace.request_id, self.more) + rest_of(reply)
        if self.channel is not None:
            if self.site.draining:
                self.channel.persistent = False
            if not self.channel.persistent:
                head += b"\r\nConnection: close"
        self._head = head + b"\r\n\r\n"
        return b"" if self.method == b"HEAD" or reply.status in BODILESS else reply.body

    def write(self, data: bytes) -> None:
        """The head and the body together: most answers are one packet, and Twisted's own way of writing headers costs
        more than all the rest of an answer from the cache."""
        if self._head is None:
            raise RuntimeError("write without begin: an answer has its status and headers from a Reply")
        if not self.gone:
            self.startedWriting = 1
            self.sentLength += len(data)
            head, self._head = self._head, b""
            self.channel.write(head + data if head else data)

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

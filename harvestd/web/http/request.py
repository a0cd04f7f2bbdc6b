"""One request as received, and the single path on which a response leaves."""

# mypy: disallow-untyped-calls=False
from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IAddress
from twisted.python.failure import Failure
from twisted.web import server

from harvestd.kernel import languages
from harvestd.kernel.errors import Invalid
from harvestd.runtime.tracing import Trace
from harvestd.web.headers import LISTS, by_a_proxy
from harvestd.web.http.pieces import PIECE, FileBody, Pieces
from harvestd.web.http.problem_response import problem_response
from harvestd.web.http.request_path import segments
from harvestd.web.http.response_head import head_of, in_chunks
from harvestd.web.http.spool import Body
from harvestd.web.http.streams import Sending, Stream
from harvestd.web.problems import Refusal
from harvestd.web.replies import BODILESS, Headers, Response
from harvestd.web.tracing import trace_of

if TYPE_CHECKING:
    from harvestd.web.http.site import Site

_UNKNOWN = Trace()


class Request(server.Request):
    """Has Twisted parse only what is needed: never forms, which it would hold in memory several times over.

    ``address`` and ``secure`` take trusted proxies into account; ``direct`` is whether no proxy is in between. ``route_name``,
    ``user_id`` and ``problem`` go into the access log. ``more`` are extra headers for any response.
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
        self._file: FileBody | Stream | None = None
        self._written, self._ending = True, False

    # --- receiving ---

    def gotLength(self, length: int | None) -> None:
        self.content: Any = BytesIO() if length == 0 else Body(self.channel.site.admission, self.channel.host, length)

    def parseCookies(self) -> None:
        """Do nothing: handlers that need cookies parse them."""

    def handleContentChunk(self, data: bytes) -> None:
        if self.channel.take_body(len(data)):
            try:
                self.content.write(data)
            except OSError:
                self.channel.site.shortages.tell("spool")
                self.channel.refuse("unavailable", "there is no room for the body at present; try again later")

    def take_content(self) -> Body | BytesIO:
        """The complete body, which the caller closes: the end of the connection does not."""
        content, self.content = self.content, BytesIO()
        return content  # type: ignore[no-any-return]

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        self.content.seek(0)
        # Methods are case-sensitive (RFC 9110, 9.1) but the router ignores case: the "." makes a lower-case one unknown.
        self.method = command if command.isupper() else b"." + command
        self.uri, self.clientproto = path, version
        self.path, _, self.query = path.partition(b"?")
        self.args = {}
        self.process()

    def process(self) -> None:
        self.site = self.channel.site
        self.started = self.site.reactor.seconds()
        try:
            self.trace = trace_of(self.text(b"x-request-id"), self.text(b"traceparent"), self.site.new_id)
            self._look_behind_proxies()
            if self.path == b"*":  # OPTIONS * is about the whole server
                return self.answer(Response(204, ((b"Allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),)))
            self.prepath, self.postpath = [], segments(self.path)
            self.site.resource.render(self)
        except (Refusal, Invalid) as refusal:
            self.answer(problem_response(self, refusal))
        except Exception as error:
            self.site.log_unexpected(self, Failure(error))
            self.answer(problem_response(self, error))

    def _look_behind_proxies(self) -> None:
        proxies = self.site.proxies
        peer: IAddress = self.client
        host = getattr(peer, "host", "")
        behind = proxies.trusts(host)
        said = [value.decode("latin-1") for value in self.requestHeaders.getRawHeaders(b"x-forwarded-for") or ()]
        self.address = proxies.client(host, said)
        self.secure = self.channel.isSecure() or (behind and self.text(b"x-forwarded-proto").lower() == "https")

    # --- properties ---

    @property
    def instance(self) -> str:
        """The path as it was requested."""
        return self.path.decode("ascii", "replace")

    @property
    def direct(self) -> bool:
        """Whether the client connected directly, without a proxy."""
        peer: IAddress = self.client
        return not (self.site.proxies.trusts(getattr(peer, "host", "")) or by_a_proxy(self.requestHeaders))

    def text(self, name: bytes) -> str:
        """A header's last value, for a list header all values joined, or "". Headers are Latin-1 (RFC 9110, 5.5)."""
        values = self.requestHeaders.getRawHeaders(name)
        if values and name in LISTS:
            return b", ".join(values).decode("latin-1")
        return values[-1].decode("latin-1") if values else ""

    @property
    def language(self) -> str:
        """The market language negotiated with the client."""
        accepted = self.requestHeaders.getRawHeaders(b"accept-language") or ()
        return languages.choose(b",".join(accepted).decode("latin-1"), self.site.languages)

    def isSecure(self) -> bool:
        """Only for Klein, whose routes do not depend on it; use :attr:`secure` instead."""
        return False

    def getRequestHostname(self) -> bytes:
        """A constant: routes do not depend on the host, so Klein need not parse it."""
        return b"localhost"

    @property
    def gone(self) -> bool:
        """Whether the client disconnected or the response is finished, so that nobody waits for it."""
        return bool(self._disconnected or self.finished)

    # --- sending ---

    def begin(self, reply: Response) -> bytes:
        """Set status and headers; returns the body for the caller to pass to :meth:`write`, which sends both at once."""
        self.problem, self.code = reply.problem, reply.status
        self._head = head_of(self, reply)
        self._file = None if self.method == b"HEAD" else reply.file
        return b"" if self.method == b"HEAD" or reply.status in BODILESS else reply.body

    def write(self, data: bytes) -> None:
        """Write head and body together: most responses then fit one packet, and Twisted's own header writing costs more than all
        other work of a cache hit."""
        if self._head is None:
            raise RuntimeError("write without begin: an answer has its status and headers from a Reply")
        if not self.gone:
            self.startedWriting = 1
            head, self._head = self._head, b""
            if isinstance(self._file, Stream):
                return self._begin_stream(head, self._file)
            body = data if self._file is None else self._file
            self.sentLength += len(body)
            if len(body) > PIECE or body is not data:
                self._written = False
                pieces = self.channel.pieces = Pieces(self.channel, head, body, self._whole, self.site.holdings)
                pieces.start()  # the channel has it until it is done
            else:
                self.channel.write(head + data if head else data)

    def _begin_stream(self, head: bytes, stream: Stream) -> None:
        self._written = False

        def done() -> None:
            self.sentLength += sending.sent
            self._whole()

        sending = Sending(self.channel, head, stream, in_chunks(self), done)
        sending.start()

    def finish(self) -> None:
        """Finish the response: at once, or when the last piece of its body is written. Only then does the next request start."""
        if self._written:
            super().finish()
        else:
            self._ending = True

    def _whole(self) -> None:
        self._written = True
        if self._ending and not self.gone:
            super().finish()

    def answer(self, reply: Response) -> None:
        """Write the complete response, unless the client is gone."""
        if not self.gone:
            self.write(self.begin(reply))
            self.finish()

    def processingFailed(self, reason: Any) -> Any:
        """Last resort, for Twisted (without its error page) and for us, when building or writing the response failed."""
        self.site.log_unexpected(self, reason)
        try:
            if not self.startedWriting:
                self.answer(problem_response(self, reason.value))
        finally:
            if not self.gone:  # the response cannot be written, or not completed
                self.channel.transport.abortConnection()
        return reason

    def connectionLost(self, reason: Any) -> None:
        waiting = self.started and not self.finished
        super().connectionLost(reason)
        if isinstance(self._file, FileBody):
            self._file.close()
        if waiting:
            self.site.hung_up(self)

"""Responses as bytes: built from a handler's result or exception."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, quote_plus

import attrs
import msgspec

from harvestd.kernel import languages
from harvestd.web import conditional, queries
from harvestd.web.context import Result
from harvestd.web.http.pieces import FileBody
from harvestd.web.http.streams import Stream
from harvestd.web.pages import documents, people
from harvestd.web.problem_details import MEDIA_TYPE, document, headers_of, told_in
from harvestd.web.problems import problem_of
from harvestd.web.routes import Route

Headers = tuple[tuple[bytes, bytes], ...]

#: Security headers of every response. Pages that need scripts or styles set their own policy.
SECURITY: Headers = (
    (b"X-Content-Type-Options", b"nosniff"),
    (b"X-Frame-Options", b"DENY"),
    (b"Referrer-Policy", b"no-referrer"),
)
CLOSED_POLICY = (
    b"Content-Security-Policy",
    b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
)
PRIVATE = (b"Cache-Control", b"private, no-store")
NO_STORE = (b"Cache-Control", b"no-store")

BODILESS = frozenset({204, 304})
_SAME = b"".join(b"%b: %b\r\n" % pair for pair in ((b"Server", b"harvestd"), *SECURITY))
#: The status line and constant headers by status.
_STATUS = {s.value: f"HTTP/1.1 {s.value} {s.phrase}\r\n".encode("ascii") + _SAME for s in HTTPStatus}

_NAME = re.compile(r"[A-Za-z0-9-]+\Z")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]*")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_encoder = msgspec.json.Encoder(decimal_format="string")


@attrs.frozen(eq=False)
class Response:
    """``problem`` is the slug, for the log; ``file`` is the body instead of ``body``, if it is one that is read, or made, piece by piece."""

    status: int
    headers: Headers
    body: bytes = b""
    problem: str = ""
    file: FileBody | Stream | None = None

    def header(self, name: bytes) -> bytes | None:
        """The first header of a name, written as in :attr:`headers`."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


def opening(status: int, date: bytes, request_id: str, more: Headers) -> bytes:
    """The variable part of a response's head, without the last line's end."""
    lines = b"".join([b"\r\n%b: %b" % pair for pair in more]) if more else b""
    return b"%bDate: %b\r\nX-Request-Id: %b%b" % (_STATUS[status], date, request_id.encode(), lines)


def rest_of(reply: Response) -> bytes:
    """The rest of the head; each line starts with the end of the one before it."""
    headers = reply.headers
    if reply.header(b"Content-Security-Policy") is None:
        headers += (CLOSED_POLICY,)
    if reply.status not in BODILESS and not isinstance(reply.file, Stream):
        headers += ((b"Content-Length", b"%d" % len(reply.body if reply.file is None else reply.file)),)
    return b"".join([b"\r\n%b: %b" % pair for pair in headers])


def of_value(
    route: Route, value: Any, path: Mapping[str, str], query: Any, spoken: Sequence[tuple[str, str]] = ()
) -> Response:
    """The response for a handler's result, independent of the caller and of the request's spelling: ``Link`` is built from the
    decoded ``path`` and ``query``. ``spoken`` is what it says of its language, unless the result says something else of that, or has none."""
    answer = value if isinstance(value, Result) else Result(value)
    status = answer.status if answer.status is not None else route.status
    told = spoken if answer.spoken and answer.value is not None else ()
    headers = [_header(name, text) for name, text in (*answer.headers, *told)]
    if answer.value is None:
        return Response(204 if answer.status is None and status == 200 else status, tuple(headers))
    if isinstance(answer.value, (FileBody, Stream)):
        headers.append((b"Content-Type", _media_type(route, answer).encode("ascii")))
        return Response(status, tuple(headers), file=answer.value)
    if isinstance(answer.value, bytes):
        body, media_type = answer.value, _media_type(route, answer)
    else:
        body, media_type = _encoder.encode(answer.value), "application/json"
        after = getattr(answer.value, "next", None)
        if after is not None and route.method == "GET":
            headers.append((b"Link", next_link(route, path, query, after)))
    headers.append((b"Content-Type", media_type.encode("ascii")))
    if answer.version is not None:
        headers.append((b"ETag", conditional.etag(body, answer.version).encode("ascii")))
    return Response(status, tuple(headers), body)


def _header(name: str, text: str) -> tuple[bytes, bytes]:
    """The header as bytes; refuses line breaks, which would start another header (header injection)."""
    if not _NAME.match(name) or _CONTROL.search(text):
        raise ValueError(f"header {name!r} cannot be sent with {text!r}")
    return name.encode("ascii"), text.encode("utf-8")


def _media_type(route: Route, answer: Result) -> str:
    return answer.media_type if answer.media_type != "application/json" else route.media_type


def next_link(route: Route, path: Mapping[str, str], query: Any, after: str) -> bytes:
    """The ``Link`` (RFC 8288) to the same list after a cursor; relative, so that no host name is needed or trusted."""
    same = [] if query is None else [pair for pair in queries.encode(query) if pair[0] != "after"]
    return f'<{_target(route, path, [*same, ("after", after)])}>; rel="next"'.encode("ascii")


def moved(route: Route, path: Mapping[str, str], query: Any = None) -> Result:
    """A 301 to what the route shows of another ``path``, asked for in the same way: a walk through pages goes on where it was."""
    return Result(
        status=301, headers=(("Location", _target(route, path, [] if query is None else queries.encode(query))),)
    )


def _target(route: Route, path: Mapping[str, str], asked: Sequence[tuple[str, str]]) -> str:
    target = route.path.format_map({name: quote(segment, safe="") for name, segment in path.items()})
    return "?".join([target, *(["&".join(f"{name}={_quoted(text)}" for name, text in asked)] if asked else [])])


def _quoted(text: str) -> str:
    """URL-quoted. Most cursors and values need no quoting, and quoting takes ten times as long as the check."""
    return text if _UNRESERVED.fullmatch(text) else quote_plus(text)


def of_error(error: BaseException, instance: str, request_id: str, language: str) -> Response:
    """The problem details of an exception, in ``language``, one of the market's."""
    problem = problem_of(error)
    headers = [_header(name, text) for name, text in headers_of(error, problem)]
    headers += [(b"Content-Type", MEDIA_TYPE.encode("ascii")), NO_STORE]
    headers += [(b"Content-Language", told_in(problem, error, language).encode("ascii")), (b"Vary", b"Accept-Language")]
    return Response(
        problem.status, tuple(headers), document(problem, error, instance, request_id, language), problem.slug
    )


def of_missing(instance: str, error: BaseException, language: str) -> Response:
    """The HTML page for a browser that requests a missing page, in ``language``, one of the market's."""
    problem = problem_of(error)
    why = getattr(error, "detail", "") or problem.cause
    said = languages.sentence(why, language)
    spoken = language if said is not None else f"{language}, {languages.ENGLISH}"
    headers = [
        _header(*documents.POLICY),
        (b"Content-Type", documents.HTML.encode("ascii")),
        NO_STORE,
        (b"Content-Language", spoken.encode("ascii")),
        (b"Vary", b"Accept, Accept-Language"),
    ]
    return Response(problem.status, tuple(headers), people.missing(instance, said or why, language), problem.slug)

"""HTTP caching: who may store a response, and ETag revalidation.

Denied by default: only responses of routes declared cached, to anonymous callers, and responses with a ``Cache-Control`` of
the handler's own may be stored.
"""

from __future__ import annotations

from harvestd.web import conditional
from harvestd.web.context import Caller
from harvestd.web.replies import NO_STORE, PRIVATE, Headers, Response
from harvestd.web.routes import Route

_VARY = (b"Vary", b"Authorization, Accept-Encoding")
#: Headers that a 304 repeats (RFC 9110, 15.4.5), and ``Age``. The page's own Content-Security-Policy is repeated, since a browser
#: applies the 304's policy to its stored page, which would otherwise lose its styles and scripts on reload.
_REPEATED = frozenset(
    {b"Cache-Control", b"ETag", b"Vary", b"Link", b"Content-Location", b"Age", b"Content-Security-Policy"}
)


def tagged(route: Route) -> bool:
    """Whether its answers have an ETag, so that a GET of it may be a 304: what may be stored, and what has a version; not a list of the signed-in
    caller's, which nobody stores."""
    return route.cached is not None or route.stored or "version" in getattr(route.answer, "__struct_fields__", ())


def settled(route: Route, caller: Caller | None, if_none_match: str, reply: Response) -> Response:
    """The response with ``Cache-Control`` and, if it may be stored, its ETag; a 304 if the client has it."""
    headers = reply.headers
    if reply.header(b"Cache-Control") is None:
        headers += _policy(route, caller, reply.status)
    if route.method != "GET" or reply.status != 200:
        return Response(reply.status, headers, reply.body, reply.problem)
    tag = reply.header(b"ETag")
    if tag is None and not any(value.endswith(b"no-store") for name, value in headers if name == b"Cache-Control"):
        tag = conditional.etag(reply.body).encode("ascii")
        headers += ((b"ETag", tag),)
    known = conditional.unchanged(if_none_match, tag.decode("ascii")) if tag is not None and if_none_match else None
    if known is not None:
        same = ((b"ETag", known.encode("latin-1")) if name == b"ETag" else (name, value) for name, value in headers)
        return Response(304, tuple(pair for pair in same if pair[0] in _REPEATED))
    return Response(200, headers, reply.body, file=reply.file)


def _policy(route: Route, caller: Caller | None, status: int) -> Headers:
    if caller is not None:
        return (PRIVATE,)
    if route.cached is None or status != 200:
        return (NO_STORE,)
    age = route.cached.max_age
    return ((b"Cache-Control", b"public, max-age=%d, must-revalidate" % age if age else b"public, no-cache"), _VARY)

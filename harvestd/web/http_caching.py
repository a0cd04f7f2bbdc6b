"""Who may keep an answer, and whether the client has it already.

Denied by default: only what a route declares cached, to callers who are not signed in, or what a handler itself gives a
``Cache-Control``, may be kept by anybody.
"""

from __future__ import annotations

from harvestd.web import conditional
from harvestd.web.context import Caller
from harvestd.web.replies import NO_STORE, PRIVATE, Headers, Response
from harvestd.web.routes import Route

_VARY = (b"Vary", b"Authorization")
#: What a 304 repeats (RFC 9110, 15.4.5), and how old what it confirms is. Its policy is what a browser applies to the page that it
#: has: the page's own, or the page has neither styles nor scripts when it is loaded again.
_REPEATED = frozenset(
    {b"Cache-Control", b"ETag", b"Vary", b"Link", b"Content-Location", b"Age", b"Content-Security-Policy"}
)


def settled(route: Route, caller: Caller | None, if_none_match: str, reply: Response) -> Response:
    """The reply with ``Cache-Control`` and, where it may be kept, its ETag; a 304 if the client has it."""
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
    return Response(200, headers, reply.body)


def _policy(route: Route, caller: Caller | None, status: int) -> Headers:
    if caller is not None:
        return (PRIVATE,)
    if route.cached is None or status != 200:
        return (NO_STORE,)
    age = route.cached.max_age
    return ((b"Cache-Control", b"public, max-age=%d, must-revalidate" % age if age else b"public, no-cache"), _VARY)

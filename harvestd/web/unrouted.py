"""Requests that no route takes: an unknown address, another method, a page's address with a slash at its end."""

from __future__ import annotations

from collections.abc import Sequence

from werkzeug.exceptions import MethodNotAllowed
from werkzeug.exceptions import NotFound as NoSuchPath

from harvestd.kernel.errors import NotFound, TooMany
from harvestd.kernel.sentences import worded
from harvestd.web.http.request import Request
from harvestd.web.problems import Refusal
from harvestd.web.rate_limits import Limits
from harvestd.web.refusals import refusal
from harvestd.web.replies import Response
from harvestd.web.routes import Route, is_path_of

#: Maximum characters of an unknown method repeated in a message.
MAX_NAME = 20
#: Methods with which a browser requests pages.
READING = (b"GET", b"HEAD")


class Unrouted:
    """What is answered to them, beside these routes."""

    def __init__(self, routes: Sequence[Route], limits: Limits) -> None:
        self._routes = routes
        self._limits = limits
        self._pages = {route.path.encode() for route in routes if route.page or route.also_html}

    async def answer(self, request: Request, error: BaseException) -> Response:
        """The response; ``error`` is Klein's, or that of an endpoint that failed."""
        try:
            await self._limits.spend_stray(request, "unmatched")
        except TooMany as too_many:
            return refusal(too_many, request)
        if isinstance(error, MethodNotAllowed):
            return _other_method(request, error)
        if isinstance(error, NoSuchPath) and request.path.rstrip(b"/") in self._pages and request.method in READING:
            return Response(308, ((b"Location", request.path.rstrip(b"/")),))
        if isinstance(error, NoSuchPath):
            error = NotFound(self._nothing_at(request.instance))
        return refusal(error, request)

    def _nothing_at(self, path: str) -> str:
        bare = path.rstrip("/")
        if bare != path and any(is_path_of(route, bare) for route in self._routes):
            return worded("there is nothing at this address; leave out the slash at its end: {address}", address=bare)
        return "there is nothing at this address"


def _other_method(request: Request, error: MethodNotAllowed) -> Response:
    allow = ", ".join(sorted({*(error.valid_methods or ()), "OPTIONS"}))
    if request.method == b"OPTIONS":
        cors = request.site.cors
        more = cors.preflight(request.text(b"origin"), allow) if cors is not None else ()
        return Response(204, ((b"Allow", allow.encode()), *more))
    method = request.method.decode("latin-1")[:MAX_NAME]
    detail = worded("{method} is not possible at this address; possible: {allow}", method=method, allow=allow)
    return refusal(Refusal("method-not-allowed", detail, headers=(("Allow", allow),)), request)

"""Klein's routes, called directly.

``KleinResource`` makes an answer of whatever an endpoint may return (elements, resources, responses, text), binds the map
for each request, and cancels a handler when its client hangs up. Our endpoints return a Deferred of bytes, no route depends
on the host, and handlers run to their end; what is left of that work is here. ``short_way`` turned off brings Klein's back.
"""

# mypy: disallow-untyped-calls=False
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from klein import Klein
from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from harvestd.web.http.request import Request


class Routes(Resource):
    """``unrouted`` makes the body for a request that no endpoint took, of the failure that says why."""

    isLeaf = True

    def __init__(self, app: Klein, unrouted: Callable[[Any, Failure], Deferred[bytes]]) -> None:
        super().__init__()
        self._app = app
        self._unrouted = unrouted
        self._map = app.url_map.bind("localhost")
        self._fixed = {
            (method.encode(), rule.rule.encode()): rule.endpoint
            for rule in app.url_map.iter_rules()
            if not rule.arguments
            for method in rule.methods or ()
        }

    def render(self, request: Any) -> int:
        """Called by Twisted, once the request is whole."""
        answering = self._called(request)
        answering.addErrback(lambda failure: self._unrouted(request, failure))
        answering.addCallback(_written, request)
        answering.addErrback(request.processingFailed)
        answering.addErrback(lambda _: None)  # it is logged
        return NOT_DONE_YET

    def _called(self, request: Request) -> Deferred[bytes]:
        try:
            endpoint = self._fixed.get((request.method, request.path))
            names: Mapping[str, Any] = {}
            if endpoint is None:
                path = b"/" + b"/".join(request.postpath or ())
                endpoint, names = self._map.match(path.decode(), request.method.decode("latin-1"))
            answering: Any = self._app.execute_endpoint(endpoint, request, **names)
            return answering  # type: ignore[no-any-return]
        except Exception:
            return fail(Failure())


def _written(body: bytes, request: Request) -> None:
    if not request.gone:
        request.write(body)
    if not request.gone:  # the last byte may be what its client waited for
        request.finish()

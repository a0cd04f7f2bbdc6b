"""Klein's routes, called directly.

``KleinResource`` renders any return type (elements, resources, responses, text), binds the URL map per request, and cancels a
handler when its client disconnects. Our endpoints return a Deferred of bytes, no route depends on the host, and handlers run
to completion, so this does only the rest. With ``short_way`` off, Klein's own is used.
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
    """``unrouted`` makes the body for a request without an endpoint, from the failure that says why."""

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
        """Called by Twisted once the request is complete."""
        answering = self._called(request)
        answering.addErrback(lambda failure: self._unrouted(request, failure))
        answering.addCallback(_written, request)
        answering.addErrback(request.processingFailed)
        answering.addErrback(lambda _: None)  # already logged
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
    if not request.gone:  # the client may disconnect on receiving the last byte
        request.finish()

"""The HTTP server of one process: builds a Klein app from the route table, a Site from the app, and listens on a port."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from klein import Klein
from twisted.logger import Logger
from werkzeug.exceptions import HTTPException

from harvestd.parts import Parts
from harvestd.process.ports import PortInUse as PortInUse
from harvestd.runtime.lifecycle import sleep
from harvestd.web import probes
from harvestd.web import route_check as table_check
from harvestd.web.gate import Gate
from harvestd.web.http.addresses import Addresses
from harvestd.web.http.fast_path import Lane
from harvestd.web.http.klein_resource import Routes
from harvestd.web.http.listening import cease, listen
from harvestd.web.http.site import Site
from harvestd.web.routes import BODY, Route
from harvestd.web.uploads import body_most

#: Seconds between two checks for requests in progress while draining.
LOOK = 0.05


def make_app(parts: Parts, routes: Sequence[Route], gate: Gate | None = None) -> Klein:
    """One Klein app with an endpoint for each route. Raises :class:`~harvestd.web.route_check.TableError`."""
    gate = gate if gate is not None else Gate(parts, routes)
    table_check.check(routes, gate.limits.known)
    app = Klein()
    app._url_map = Addresses()
    app.url_map.merge_slashes = False
    for route in routes:
        rule = route.path.replace("{", "<").replace("}", ">")
        app.route(rule, methods=[route.method], endpoint=route.name)(gate.endpoint(route))
    unrouted: Any = gate.unrouted
    app.handle_errors(Exception)(unrouted)
    return app


def make_site(parts: Parts, routes: Sequence[Route], gate: Gate | None = None) -> Site:
    """The Site over :func:`make_app`, not yet listening; tests also use it in memory."""
    gate = gate if gate is not None else Gate(parts, routes)
    app = make_app(parts, routes, gate)
    resource: Any = Routes(app, gate.unrouted) if parts.settings.short_way else app.resource()
    site = Site(resource, parts.settings, parts.metrics, parts.reactor, parts.new_id, _body_limit(parts, routes, app))
    if parts.settings.short_way and gate.limits.at_hand:
        site.lane = Lane(site, parts.cache, gate.limits, gate.codings, parts.views)
    return site


def _body_limit(parts: Parts, routes: Sequence[Route], app: Klein) -> Callable[[bytes, bytes], int]:
    """A function from method and target to the body limit: the route's, capped by the setting."""
    most = parts.settings.body_limit
    upload = body_most(parts.settings.upload_max_bytes)
    limits = {route.name: upload if route.upload else min(route.body_limit, most) for route in routes}
    addresses = app.url_map.bind("localhost")

    def body_limit(method: bytes, target: bytes) -> int:
        path = target.partition(b"?")[0].decode("ascii", "replace")
        try:
            endpoint, _ = addresses.match(path, method.decode("ascii", "replace"))
        except HTTPException:
            return min(BODY, most)
        return limits[endpoint]

    return body_limit


class WebService:
    """Serves a route table: :meth:`start` and :meth:`stop` for the lifecycle.

    ``reuse_port`` lets several processes listen on one port, each with its own accept queue. ``name`` is the setting of the
    port.
    """

    log = Logger()

    def __init__(
        self, parts: Parts, routes: Sequence[Route], *, reuse_port: bool = False, name: str = "http_port"
    ) -> None:
        self._name = name
        self._parts = parts
        self._reuse_port = reuse_port
        self._gate = Gate(parts, routes)
        self.site = make_site(parts, routes, self._gate)
        probes.add(parts)
        self._listening: Any = None

    @property
    def port(self) -> int:
        """The listening port, once started; the assigned one if the setting is 0."""
        return int(self._listening.getHost().port)

    def start(self) -> None:
        """Listen. Raises :class:`PortInUse`, or ``OSError`` with the system's message."""
        settings = self._parts.settings
        self.site.admission.measure()
        self._listening = listen(
            self._parts.reactor, self.site, settings.http_host, settings.http_port, self._reuse_port, self._name
        )
        self.log.info("listening on http://{host}:{port}", host=settings.http_host, port=self.port)

    async def stop(self) -> None:
        """Graceful shutdown: stop accepting connections, finish the requests in progress, then close the remaining connections.

        Bounded by four fifths of the setting ``stop_deadline``. New requests on open connections are still answered, with
        ``Connection: close``. Idle keep-alive connections stay open for ``stop_grace``, since their clients may be sending a
        request just now: a proxy with a shorter idle timeout loses none.
        """
        self.site.draining = True
        reactor, grace = self._parts.reactor, self._parts.settings.stop_grace
        if self._listening is not None:
            await cease(reactor, self._listening)
            self._listening = None
        began = reactor.seconds()
        while self._gate.working or self.site.channels:
            elapsed = reactor.seconds() - began
            if elapsed > self._parts.settings.stop_deadline * 0.8:
                self.log.warn("{number} requests given up", number=self._gate.working)
                break
            if elapsed > grace:
                self.site.close_idle()
            await sleep(reactor, LOOK)
        self.site.finish()

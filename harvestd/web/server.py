"""The web of one process: the route table into one Klein app, the app into a Site, the Site onto a port."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from typing import Any

from klein import Klein
from twisted.internet import tcp
from twisted.internet.defer import maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.logger import Logger
from werkzeug.exceptions import HTTPException

from harvestd.lifecycle import sleep
from harvestd.parts import Parts
from harvestd.web import probes, table_check
from harvestd.web.gate import Gate
from harvestd.web.routes import Route
from harvestd.web.site import Site

#: While draining, how long a connection without a request is left open: its client may be sending one just now.
GRACE = 0.5
LOOK = 0.05


class PortInUse(Exception):
    """Somebody else listens there; the text names the port and the cure."""


def make_app(parts: Parts, routes: Sequence[Route], gate: Gate | None = None) -> Klein:
    """One Klein app with an endpoint for each route. Raises :class:`~harvestd.web.table_check.TableError`."""
    gate = gate if gate is not None else Gate(parts, routes)
    table_check.check(routes, gate.limits.known)
    app = Klein()
    app.url_map.merge_slashes = False
    for route in routes:
        rule = route.path.replace("{", "<").replace("}", ">")
        app.route(rule, methods=[route.method], endpoint=route.name)(gate.endpoint(route))
    unrouted: Any = gate.unrouted
    app.handle_errors(Exception)(unrouted)
    return app


def make_site(parts: Parts, routes: Sequence[Route], gate: Gate | None = None) -> Site:
    """The Site over :func:`make_app`, not listening yet; also what tests talk to in memory."""
    app = make_app(parts, routes, gate)
    largest = parts.settings.body_limit
    if not any((route.body_limit or 0) > largest for route in routes):
        return Site(app.resource(), parts.settings, parts.metrics, parts.reactor, parts.new_id, lambda *_: largest)
    limits = {route.name: route.body_limit or largest for route in routes}

    def body_limit(method: bytes, target: bytes) -> int:
        path = target.partition(b"?")[0].decode("ascii", "replace")
        try:
            endpoint, _ = app.url_map.bind("localhost").match(path, method.decode("ascii"))
        except HTTPException:
            return largest
        return limits[endpoint]

    return Site(app.resource(), parts.settings, parts.metrics, parts.reactor, parts.new_id, body_limit)


class WebService:
    """Serves a route table: :meth:`start` and :meth:`stop` for the lifecycle.

    ``reuse_port`` lets several processes listen on the one port, each with its own queue of connections.
    """

    log = Logger()

    def __init__(self, parts: Parts, routes: Sequence[Route], *, reuse_port: bool = False) -> None:
        self._parts = parts
        self._reuse_port = reuse_port
        self._gate = Gate(parts, routes)
        self.site = make_site(parts, routes, self._gate)
        probes.add(parts)
        self._listening: Any = None

    @property
    def port(self) -> int:
        """The port that it listens on, once started; the one it got where the setting is 0."""
        return int(self._listening.getHost().port)

    def start(self) -> None:
        """Listen. Raises :class:`PortInUse`, or ``OSError`` with what the system says."""
        settings = self._parts.settings
        self._listening = listen(
            self._parts.reactor, self.site, settings.http_host, settings.http_port, self._reuse_port
        )
        self.log.info("listening on http://{host}:{port}", host=settings.http_host, port=self.port)

    async def stop(self) -> None:
        """Take no more connections, finish the requests under way, then close what is left.

        Bounded by four fifths of the setting ``stop_deadline``. New requests on open connections are still answered, with
        ``Connection: close``.
        """
        self.site.draining = True
        if self._listening is not None:
            self._listening.doRead()  # with reuse_port, connections waiting in this socket's queue would be reset
            await maybeDeferred(self._listening.stopListening)
            self._listening = None
        reactor = self._parts.reactor
        began = reactor.seconds()
        while self._gate.working or self.site.channels:
            elapsed = reactor.seconds() - began
            if elapsed > self._parts.settings.stop_deadline * 0.8:
                self.log.warn("{number} requests given up", number=self._gate.working)
                break
            if elapsed > GRACE:
                self.site.close_idle()
            await sleep(reactor, LOOK)
        self.site.finish()


def listen(reactor: Any, site: Site, host: str, port: int, reuse_port: bool) -> Any:
    """A listening port on ``host``, an IPv4 or IPv6 address (or ``localhost``); port 0 takes a free one."""
    address = "127.0.0.1" if host == "localhost" else host
    try:
        if reuse_port:
            made = tcp.makeBinding(address, port, reuseAddress=True, reusePort=True)
            return reactor.listenTCP(made, site, backlog=1024)
        return reactor.listenTCP(port, site, backlog=1024, interface=address)
    except (CannotListenError, OSError) as error:
        cause = error.socketError if isinstance(error, CannotListenError) else error
        raise cannot_listen(cause, host, port) from error


def cannot_listen(cause: Any, host: str, port: int) -> Exception:
    """What the system's error means, for the person who starts the daemon: :class:`PortInUse`, or an ``OSError``."""
    number = getattr(cause, "errno", None)
    if number == errno.EADDRINUSE:
        return PortInUse(
            f"port {port} on {host} is in use; stop what listens there, or set HARVEST_HTTP_PORT to a free one"
        )
    if number == errno.EACCES:
        return PermissionError(number, f"port {port} needs privileges; set HARVEST_HTTP_PORT to one above 1023")
    if number == errno.EADDRNOTAVAIL or isinstance(cause, socket.gaierror):
        return OSError(number, f"{host} is no address of this machine; set HARVEST_HTTP_HOST to one, or to 0.0.0.0")
    return OSError(number, f"cannot listen on {host}:{port}: {cause}")

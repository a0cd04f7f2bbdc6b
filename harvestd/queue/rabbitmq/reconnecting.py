"""A self-healing connection to RabbitMQ: connect, prepare, wait until it ends, back off, repeat."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pika
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates
from twisted.logger import Logger

from harvestd.kernel.errors import Unavailable
from harvestd.queue.rabbitmq.connection import Connection
from harvestd.queue.rabbitmq.explanations import explained
from harvestd.queue.rabbitmq.pika_channel import Channel
from harvestd.runtime.reconnecting import Reconnecting
from harvestd.runtime.wakeup import Wakeup

#: Backoff in seconds after a connection that failed or ended: the first pause, doubling up to the last, each with
#: jitter down to a half so that the processes of a market do not reconnect all at once.
FIRST_PAUSE, LAST_PAUSE = 0.2, 5.0
Prepare = Callable[[Connection], Awaitable[None]]


class ReconnectingConnection:
    """``prepare`` is awaited on each new connection before it is handed out; ``name`` is shown to the broker's operator.

    ``heartbeat``, ``handshake`` (to connect, to log in, to prepare: each) and ``answer`` (to any later request) are in seconds.
    """

    log = Logger()

    def __init__(
        self, reactor: Any, url: str, name: str, prepare: Prepare,
        heartbeat: float = 10.0, handshake: float = 5.0, answer: float = 5.0,
    ) -> None:  # fmt: skip
        self.name = name
        self.connection: Connection | None = None
        self.cause = "RabbitMQ is not connected yet"
        #: Called after each connect and each disconnect, and when the broker blocks or unblocks the connection.
        self.changed: list[Callable[[], None]] = []
        self._reactor = reactor
        self._parameters = parameters(url, name, heartbeat)
        self._endpoint = endpoint(reactor, url, self._parameters, handshake)
        self._prepare = prepare
        self._handshake = handshake
        self._answer = answer
        self._first = Wakeup(reactor)
        self._kept = Reconnecting(
            reactor,
            name,
            self._one,
            (Exception,),
            lambda error, _: self._tell(self._why(error)),
            FIRST_PAUSE,
            LAST_PAUSE,
        )
        self._attempt: Deferred[Any] | None = None
        self._trying: Connection | None = None
        self._told = ""
        #: How often the connection was lost or blocked.
        self.losses = 0
        self._usable = False

    @property
    def blocked(self) -> bool:
        """Whether the broker accepts no more data on this connection."""
        return self.connection is not None and self.connection.blocked

    async def start(self, wait: float) -> None:
        """Start connecting; returns when connected, or after ``wait`` seconds, retrying in the background."""
        self._kept.start()
        await self._first.wait(wait)

    async def stop(self) -> None:
        """Close gracefully, within seconds."""
        self._kept.halt()
        if self._attempt is not None:
            self._attempt.cancel()
        for connection in (self.connection, self._trying):
            if connection is not None:
                await connection.leave()
        await self._kept.ended()

    async def channel(self) -> Channel:
        """A new channel of the present connection; raises ``Unavailable`` without one."""
        return await self.here().channel_within(self._answer)

    async def ask(self, answer: Deferred[Any]) -> Any:
        """The broker's answer; raises ``Unavailable``, and drops the connection when no answer arrives in time."""
        try:
            connection = self.here()
        except Unavailable:
            answer.addErrback(lambda _: None)
            raise
        return await connection.ask(answer, self._answer)

    def here(self) -> Connection:
        """The connection; raises ``Unavailable`` without one."""
        if self.connection is None or not self.connection.is_open:
            raise Unavailable(self.cause if self.connection is None else self.connection.why or "RabbitMQ closes")
        return self.connection

    def drop(self, why: str) -> None:
        """End the present connection at once; a new one follows."""
        if self.connection is not None:
            self.connection.abort(why)

    def _why(self, error: Exception) -> str:
        return error.detail if isinstance(error, Unavailable) else explained(error, self._parameters)

    async def _one(self) -> None:
        """One connection, from connect to disconnect."""
        trying = self._trying = Connection(self._parameters, self._reactor)
        try:
            self._attempt = connectProtocol(self._endpoint, trying)
            try:
                await self._attempt
            finally:
                self._attempt = None
            try:
                await trying.opened(self._handshake)
                await self._prepare(trying)
            except BaseException:
                trying.abort("not prepared")
                await trying.ended()
                raise
            await self._use(trying)
        finally:
            self._trying = None

    async def _use(self, connection: Connection) -> None:
        connection.changed.append(self._change)
        self.connection, self.cause, began = connection, "", self._reactor.seconds()
        if self._told:
            self._told = ""
            self.log.info("{name}: RabbitMQ is back", name=self.name)
        self._change()
        self._first.ring()
        await connection.ended()
        if self._reactor.seconds() > began + LAST_PAUSE:  # else the backoff keeps growing
            self._kept.connected()
        self.connection = None
        self.cause = connection.why or "the connection to RabbitMQ ended"
        self._change()
        if not self._kept.stopping:
            self._tell(self.cause)

    def _change(self) -> None:
        usable = self.connection is not None and not self.blocked
        self.losses += self._usable and not usable
        self._usable = usable
        for changed in self.changed:
            changed()

    def _tell(self, cause: str) -> None:
        """Log each cause once while it lasts."""
        self.cause = cause
        if cause != self._told and not self._kept.stopping:
            self._told = cause
            self.log.warn("{name}: {why}", name=self.name, why=cause)


async def connect_once(reactor: Any, url: str, name: str, heartbeat: float, handshake: float) -> Connection:
    """A connection that is let in, as a daemon's is, for who looks once. Raises ``Unavailable``."""
    given = parameters(url, name, heartbeat)
    connection = Connection(given, reactor)
    try:
        await connectProtocol(endpoint(reactor, url, given, handshake), connection)
    except Exception as error:
        raise Unavailable(explained(error, given)) from error
    await connection.opened(handshake)
    return connection


async def close(link: ReconnectingConnection, channel: Channel) -> None:
    """Close a channel, if it is still open, and wait until it is closed."""
    if channel.is_open:
        channel.close()
        await link.ask(channel.on_closed)


def parameters(url: str, name: str, heartbeat: float) -> pika.ConnectionParameters:
    """pika's parameters, from the setting; other options in the URL are ours to decide."""
    given = pika.URLParameters(url.split("?")[0])
    given.heartbeat = max(1, round(heartbeat))
    given.client_properties = {"connection_name": name, "product": "harvestd"}
    return given


def endpoint(reactor: Any, url: str, given: pika.ConnectionParameters, timeout: float) -> Any:
    """TCP, or TLS for ``amqps://``: the certificate must match the host, and be signed by one of the system's
    authorities or of those in the PEM file that ``?cacertfile=`` names."""
    plain = HostnameEndpoint(reactor, given.host, given.port, timeout=timeout)
    if urlsplit(url).scheme != "amqps":
        return plain
    authorities = None
    with suppress(KeyError):
        with open(parse_qs(urlsplit(url).query)["cacertfile"][0], "rb") as file:
            pems = [
                part + b"-----END CERTIFICATE-----\n" for part in file.read().split(b"-----END CERTIFICATE-----")[:-1]
            ]
        authorities = trustRootFromCertificates([Certificate.loadPEM(pem) for pem in pems])
    return wrapClientTLS(optionsForClientTLS(given.host, trustRoot=authorities), plain)

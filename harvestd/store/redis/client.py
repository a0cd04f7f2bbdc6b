"""A process's Redis client: one connection, every call with a timeout, and a circuit breaker for an unavailable Redis.

A late call ends its connection, and a lost connection opens the breaker at once, so an outage costs the calls pending
at that moment one timeout and all others nothing. The breaker's probe, in the background, reconnects, writes something,
lets subscribers catch up (:meth:`RedisClient.on_return`), and closes the breaker.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import attrs
import txredisapi

from harvestd.runtime.breaker import Breaker
from harvestd.runtime.health import Condition
from harvestd.store.redis.protocol import RedisConnectionProtocol, RedisRefused, RedisUnavailable, connect
from harvestd.store.redis.url import Target

__all__ = ["Call", "ClientState", "RedisClient", "RedisRefused", "RedisUnavailable", "Script"]

#: Errors by which a server says that it cannot work now, as opposed to errors of the command. Older servers have them
#: within a script's error. https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors
UNABLE = re.compile(
    r"\b(LOADING|OOM|READONLY|MISCONF|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|TRYAGAIN|BUSY|NOAUTH|NOPERM|max number of clients)\b"
)

#: One command, with a timeout, bypassing the breaker: ``await call("DEL", key)``.
Call = Callable[..., Awaitable[Any]]


@attrs.frozen
class Script:
    """A Lua script, which the server knows by its digest."""

    source: str
    sha: str = attrs.field(init=False)

    @sha.default
    def _sha(self) -> str:
        return hashlib.sha1(self.source.encode()).hexdigest()  # Redis names scripts by SHA-1


@attrs.frozen
class ClientState:
    """Since startup: ``calls`` answered in ``seconds`` altogether, ``failed`` ones, how often the breaker ``opened``;
    now: ``pending`` calls."""

    available: bool
    calls: int
    failed: int
    seconds: float
    opened: int
    pending: int


class RedisClient:
    """``url`` as in the settings (``ValueError`` for an invalid one); ``prefix`` begins every key; ``timeout`` in seconds."""

    def __init__(self, reactor: Any, url: str, prefix: str, timeout: float = 0.05) -> None:
        self.target = Target.at(url)
        self.prefix = prefix
        self.timeout = timeout
        self.breaker = Breaker(reactor, "Redis", self._probe)
        self._reactor = reactor
        self._wire: RedisConnectionProtocol | None = None
        self._returns: list[Callable[[Call], Awaitable[Any]]] = []
        self._calls = self._failed = 0
        self._seconds = 0.0

    async def start(self) -> None:
        """Connect, within a timeout; an unavailable Redis is retried in the background."""
        try:
            await self._probe()
        except RedisUnavailable as error:
            self.breaker.open(str(error))

    async def stop(self) -> None:
        """Close the connection; calls fail from now on."""
        self.breaker.stop()
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.close()

    @property
    def available(self) -> bool:
        """Whether calls go through now."""
        return self._wire is not None and self.breaker.closed

    @property
    def run_id(self) -> str:
        """The run id of the connected server: another run may have lost this one's data."""
        return self._wire.run_id if self._wire is not None else ""

    def key(self, name: str) -> str:
        """The prefixed key in Redis."""
        return self.prefix + name

    def on_return(self, callback: Callable[[Call], Awaitable[Any]]) -> None:
        """After each connect, including the first, and each outage, ``await callback(call)`` before other calls are
        allowed; an exception keeps the breaker open, and it is called again."""
        self._returns.append(callback)

    async def call(self, command: str, *arguments: Any) -> Any:
        """The reply: bytes, int, list or None. It is sent before this first waits, so calls of one process are executed
        in order. Raises :class:`RedisUnavailable`, after the timeout at the latest; :class:`RedisRefused` where the
        command is at fault."""
        return await self._asked(self._usable(), self.timeout, command, *arguments)

    async def script(self, script: Script, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """The script's result, by its digest; with its source if the server has not seen it. Raises like :meth:`call`."""
        wire, end = self._usable(), self._reactor.seconds() + self.timeout
        try:
            return await self._asked(wire, self.timeout, "EVALSHA", script.sha, len(keys), *keys, *arguments)
        except RedisRefused as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
        left = max(end - self._reactor.seconds(), 0.001)
        return await self._asked(wire, left, "EVAL", script.source, len(keys), *keys, *arguments)

    def _usable(self) -> RedisConnectionProtocol:
        if self._wire is None or not self.breaker.closed:
            raise RedisUnavailable(self.breaker.cause or "not connected")
        return self._wire

    async def _asked(self, wire: RedisConnectionProtocol, timeout: float, *command: Any) -> Any:
        began = self._reactor.seconds()
        try:
            reply = await wire.ask(*command, timeout=timeout)
        except txredisapi.ResponseError as error:
            if UNABLE.search(str(error)):
                self._failed += 1
                self.breaker.failed(str(error)[:200])
                raise RedisUnavailable(str(error)) from None
            self.breaker.succeeded()
            raise RedisRefused(str(error)) from None
        except RedisUnavailable:
            self._failed += 1
            raise
        self._calls += 1
        self._seconds += self._reactor.seconds() - began
        self.breaker.succeeded()
        return reply

    # --- connecting ---

    async def _probe(self) -> None:
        """Returns once Redis is usable and all have caught up."""
        wire = self._wire
        if wire is None:
            wire = self._wire = await connect(self._reactor, self.target, self._lost, RedisConnectionProtocol)

        async def call(command: str, *arguments: Any) -> Any:
            return await self._asked(wire, self.timeout, command, *arguments)

        await call("SET", self.key("probe"), "1", "PX", 10_000)  # a full server, or a replica, refuses it
        for callback in self._returns:
            await callback(call)
        if self._wire is not wire:
            raise RedisUnavailable(wire.broken)

    def _lost(self, wire: RedisConnectionProtocol, why: str) -> None:
        if self._wire is wire:
            self._wire = None
            self.breaker.open(why)

    # --- status ---

    async def condition(self) -> Condition:
        """For readiness."""
        if self.available:
            return Condition("ok")
        cause = self.breaker.cause or "not connected"
        return Condition("degraded", f"Redis is out of reach ({cause}): memory and PostgreSQL do its work")

    def usage(self) -> tuple[bool, int]:
        """Whether it is in use now, and how often it stopped being."""
        return self.available, self.breaker.opened

    def state(self) -> ClientState:
        """Counters for the metrics."""
        pending = self._wire.pending if self._wire is not None else 0
        return ClientState(self.available, self._calls, self._failed, self._seconds, self.breaker.opened, pending)

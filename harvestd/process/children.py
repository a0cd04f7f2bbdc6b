"""Child API processes on the shared port: started by the first process, restarted when they die, stopped with it.

Each is a whole ``twistd harvest-api`` with the parent's settings in its environment, on the parent's database and port
(SO_REUSEPORT), without consumers. Its standard input is a pipe from the parent: when that closes, for any reason, the
child exits.
"""

# mypy: disallow-untyped-calls=False
from __future__ import annotations

import os
import sys
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ProcessProtocol, Protocol
from twisted.internet.stdio import StandardIO
from twisted.logger import Logger

from harvestd.process import logs
from harvestd.runtime.backoff import Backoff
from harvestd.settings.rows import ROWS, text
from harvestd.settings.table import Settings

#: Backoff in seconds before a dead child is restarted: the first pause and the longest; after a lifetime of RELIABLE it is reset.
FIRST_DELAY, LAST_DELAY, RELIABLE = 0.5, 30.0, 60.0
_TWISTD = "from twisted.scripts.twistd import run; run()"
#: A child's differences from its parent.
_OWN = {"HARVEST_PROCESSES": "1", "HARVEST_WORKERS": "off", "HARVEST_DEMO": "0", "HARVEST_CHILD": "1"}


def environment(settings: Settings) -> dict[str, str]:
    """The environment of a child: this process's, with every setting as it is in effect."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("HARVEST_")}
    testing = {name: os.environ[name] for name in ("HARVEST_TESTING",) if name in os.environ}
    return ours | testing | {row.variable: text(getattr(settings, name)) for name, row in ROWS.items()} | _OWN


class Children:
    """``number`` child processes, with the parent's ``settings`` (those in effect: with the port and the database)."""

    log = Logger()

    def __init__(self, reactor: Any, settings: Settings, number: int) -> None:
        self._children = [_Child(reactor, settings, index + 2) for index in range(number)]

    def start(self) -> None:
        """Start them, without waiting until they are up."""
        for child in self._children:
            child.start()

    async def stop(self) -> None:
        """Shut them down gracefully, all at once, and wait for it."""
        for ended in [child.stop() for child in self._children]:
            await ended


class _Child(ProcessProtocol):
    """One child slot, across restarts."""

    log = Logger()
    transport: Any

    def __init__(self, reactor: Any, settings: Settings, number: int) -> None:
        self._reactor = reactor
        self._settings = settings
        self._number = number
        self._backoff = Backoff(FIRST_DELAY, LAST_DELAY)
        self._stopping = False
        self._ended: Deferred[None] | None = None
        self._retry: Any = None
        self._since = 0.0

    def start(self) -> None:
        self._retry = None
        self._since = self._reactor.seconds()
        self._ended = Deferred()
        log_to = logs.stream_in_use.fileno()
        self._reactor.spawnProcess(
            self,
            sys.executable,
            [sys.executable, "-c", _TWISTD, "--nodaemon", "--pidfile=", "harvest-api"],
            env=environment(self._settings) | self._own(),
            childFDs={0: "w", 1: log_to, 2: log_to},
        )

    def _own(self) -> dict[str, str]:
        """The settings of this child alone: a metrics port after those of the processes before it."""
        first = self._settings.metrics_port
        return {"HARVEST_METRICS_PORT": str(first + self._number - 1)} if first else {}

    def connectionMade(self) -> None:
        self.log.info("process {number} is {pid}", number=self._number, pid=self.transport.pid)

    def processEnded(self, reason: Any) -> None:
        ended, self._ended = self._ended, None
        if ended is not None:
            ended.callback(None)
        if self._stopping:
            return
        lived = self._reactor.seconds() - self._since
        if lived > RELIABLE:
            self._backoff.succeeded()
        delay = self._backoff.failed()
        self.log.error(
            "process {number} died ({why}), starting it again in {delay:g} s",
            number=self._number, why=reason.getErrorMessage(), delay=delay,
        )  # fmt: skip
        self._retry = self._reactor.callLater(delay, self.start)

    def stop(self) -> Deferred[None]:
        self._stopping = True
        if self._retry is not None:
            self._retry.cancel()
        done: Deferred[None] = Deferred()
        if self._ended is None:
            done.callback(None)
        else:
            self._ended.addCallback(done.callback)
            self.transport.closeStdin()
        return done


class Leash(Protocol):
    """A child's end of the pipe: when it closes, the reactor stops."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def connectionLost(self, reason: Any = None) -> None:
        """The parent is stopping, or gone."""
        if self._reactor.running and not self._reactor._stopped:
            self._reactor.stop()


def leash(reactor: Any) -> None:
    """Exit when the parent does. For a child, once its reactor runs."""
    StandardIO(Leash(reactor), reactor=reactor)

"""Notifications to this process's supervisor: ready, reloading, stopping, and the watchdog's heartbeat.

The protocol is systemd's ``sd_notify(3)``: datagrams of ``NAME=value`` lines to the Unix socket in ``NOTIFY_SOCKET``;
with ``WATCHDOG_USEC``, at least one that often (``sd_watchdog_enabled(3)``). Without them nothing is sent.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import MutableMapping
from typing import Any

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

#: Share of the watchdog's timeout after which the next heartbeat is sent.
SHARE = 0.5
#: Seconds by which a waiting start extends its timeout; longer than any of its attempts.
EXTENSION = 90.0


class Supervisor:
    """Removes its variables from ``environ``, so that no child process speaks for this one."""

    log = Logger()

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        self._address = _address(environ.pop("NOTIFY_SOCKET", ""))
        patience, whose = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
        ours = whose in ("", str(os.getpid()))
        #: The watchdog's timeout in seconds; 0 without one.
        self.patience = int(patience) / 1e6 if self._address and ours and patience.isdigit() else 0.0
        self._ticks = LoopingCall(self.tell, WATCHDOG="1")

    @property
    def listens(self) -> bool:
        """Whether there is a supervisor."""
        return bool(self._address)

    def watch(self, reactor: Any) -> None:
        """Send the heartbeat from the reactor, so that a blocked process is detected, and replaced."""
        if self.patience:
            self._ticks.clock = reactor
            self._ticks.start(self.patience * SHARE)

    def ready(self, status: str) -> None:
        """The process is working (again); ``status`` is shown by ``systemctl status``."""
        self.tell(READY="1", STATUS=status)

    def waiting(self, status: str) -> None:
        """Its start is waiting, with a timeout of its own: the supervisor's start timeout is extended."""
        self.tell(EXTEND_TIMEOUT_USEC=str(int(EXTENSION * 1e6)), STATUS=status)

    def reloading(self) -> None:
        """It is reloading its settings; to be followed by :meth:`ready`."""
        self.tell(RELOADING="1", MONOTONIC_USEC=str(time.monotonic_ns() // 1000))

    def stopping(self) -> None:
        """It is shutting down gracefully, which may take a while: it continues the heartbeat."""
        self.tell(STOPPING="1", STATUS="finishing what is under way")

    def tell(self, **values: str) -> None:
        """Send values, in one datagram. Never waits and never fails: an unreachable supervisor is logged."""
        if not self._address:
            return
        text = "".join(f"{name}={' '.join(value.split())}\n" for name, value in values.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)
                sender.sendto(text.encode(), self._address)
        except OSError as error:
            self.log.warn("the supervisor could not be told {names}: {why}", names=", ".join(values), why=str(error))


def _address(name: str) -> str:
    """The socket's address: a path, or for ``@name`` one of Linux's abstract names. No other forms are supported."""
    if name.startswith("@"):
        return "\0" + name[1:]
    return name if name.startswith("/") else ""

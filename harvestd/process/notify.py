"""What the supervisor that started this process is told: that it is ready, reloads, stops, and is alive.

The protocol is systemd's ``sd_notify(3)``: datagrams of ``NAME=value`` lines to the Unix socket that ``NOTIFY_SOCKET`` names;
with ``WATCHDOG_USEC``, one at least that often (``sd_watchdog_enabled(3)``). Without them nothing is sent.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import MutableMapping
from typing import Any

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

#: Share of the watchdog's time after which it is told again that we are alive.
SHARE = 0.5
#: Seconds within which a start that waits says so again; longer than any of its tries.
EXTENSION = 90.0


class Supervisor:
    """Takes its variables out of ``environ``, so that no process that is started from here speaks for this one."""

    log = Logger()

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        self._address = _address(environ.pop("NOTIFY_SOCKET", ""))
        patience, whose = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
        ours = whose in ("", str(os.getpid()))
        #: Seconds within which it wants to hear of us; 0 if it does not.
        self.patience = int(patience) / 1e6 if self._address and ours and patience.isdigit() else 0.0
        self._ticks = LoopingCall(self.tell, WATCHDOG="1")

    @property
    def listens(self) -> bool:
        """Whether there is one."""
        return bool(self._address)

    def watch(self, reactor: Any) -> None:
        """Tell of being alive from the reactor, so that one that is held up for too long is noticed, and replaced."""
        if self.patience:
            self._ticks.clock = reactor
            self._ticks.start(self.patience * SHARE)

    def ready(self, status: str) -> None:
        """The process does its work (again); ``status`` is for whoever looks at ``systemctl status``."""
        self.tell(READY="1", STATUS=status)

    def waiting(self, status: str) -> None:
        """Its start waits for something, and is bounded by itself: the supervisor's own time for starts is extended."""
        self.tell(EXTEND_TIMEOUT_USEC=str(int(EXTENSION * 1e6)), STATUS=status)

    def reloading(self) -> None:
        """It reads its settings; to be followed by :meth:`ready`."""
        self.tell(RELOADING="1", MONOTONIC_USEC=str(time.monotonic_ns() // 1000))

    def stopping(self) -> None:
        """It ends in order, which may take a while: it goes on to tell that it is alive."""
        self.tell(STOPPING="1", STATUS="finishing what is under way")

    def tell(self, **values: str) -> None:
        """Send values, in one datagram. Never waits and never fails: a supervisor that does not listen is logged of."""
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
    """The socket's address: a path, or for ``@name`` one of Linux's abstract names. Nothing else is known here."""
    if name.startswith("@"):
        return "\0" + name[1:]
    return name if name.startswith("/") else ""

"""Slow client detection: the rate at which a client reads its responses, measured over a window."""

from __future__ import annotations

import struct
from fcntl import ioctl
from termios import TIOCOUTQ
from typing import Any


def unsent(transport: Any) -> int:
    """Response bytes still in Twisted's write buffer (from its own counters; 0 if the transport has none)."""
    waiting = len(getattr(transport, "dataBuffer", b"")) - getattr(transport, "offset", 0)
    return int(waiting + getattr(transport, "_tempDataLen", 0))


def underway(transport: Any) -> int:
    """Bytes in the kernel's send buffer that the client has not acknowledged. The buffer may be megabytes large and accept more only
    when a third of it is free: without these bytes, a slow but steady reader would seem stalled for minutes."""
    handle = getattr(transport, "getHandle", None)
    if handle is None:
        return 0
    try:
        return int(struct.unpack("i", ioctl(handle().fileno(), TIOCOUTQ, b"\0\0\0\0"))[0])
    except OSError:
        return 0


class Pace:
    """The read rate of one connection. ``written`` is the total of bytes written to it."""

    __slots__ = ("_since", "written")

    def __init__(self) -> None:
        self.written = 0
        self._since: tuple[float, int] | None = None

    def too_slow(self, now: float, transport: Any, window: float, least: float) -> bool:
        """Whether output is pending and the client read less than ``least`` bytes a second of it for ``window`` seconds."""
        left = unsent(transport)
        if not left:
            self._since = None
            return False
        taken = self.written - left - underway(transport)
        if self._since is None or taken - self._since[1] >= least * window:
            self._since = now, taken
        return now - self._since[0] >= window

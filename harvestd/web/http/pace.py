"""How fast a client takes its answers: so many bytes in a window, or it is not one that reads."""

from __future__ import annotations

import struct
from fcntl import ioctl
from termios import TIOCOUTQ
from typing import Any


def unsent(transport: Any) -> int:
    """Bytes of answers that the kernel has not taken over (Twisted's own counters; 0 where a transport has none)."""
    waiting = len(getattr(transport, "dataBuffer", b"")) - getattr(transport, "offset", 0)
    return int(waiting + getattr(transport, "_tempDataLen", 0))


def underway(transport: Any) -> int:
    """Bytes that the kernel has taken over and the client has not. It may have megabytes of room, and take on more only when
    a third of them is free: without these, who reads steadily and slowly would seem to read nothing for minutes."""
    handle = getattr(transport, "getHandle", None)
    if handle is None:
        return 0
    try:
        return int(struct.unpack("i", ioctl(handle().fileno(), TIOCOUTQ, b"\0\0\0\0"))[0])
    except OSError:
        return 0


class Pace:
    """Of one connection. ``written`` grows with all that is written to it."""

    __slots__ = ("_since", "written")

    def __init__(self) -> None:
        self.written = 0
        self._since: tuple[float, int] | None = None

    def too_slow(self, now: float, transport: Any, window: float, least: float) -> bool:
        """Whether answers wait for the client, and it took less than ``least`` bytes a second of them for ``window`` seconds."""
        left = unsent(transport)
        if not left:
            self._since = None
            return False
        taken = self.written - left - underway(transport)
        if self._since is None or taken - self._since[1] >= least * window:
            self._since = now, taken
        return now - self._since[0] >= window

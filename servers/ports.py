"""Ports that are nobody else's: not those of connections going out, and not those of another pytest on this machine."""

from __future__ import annotations

import random
import socket

#: Below what systems give to connections that go out, which would otherwise take one between its choice and its use.
PORTS = range(20_000, 32_000)

_draw = random.SystemRandom()
_claims: list[socket.socket] = []


def free_port() -> int:
    """A port of the loopback that nobody listens on now, and that no other process is given while this one lives."""
    while True:
        port = _draw.choice(PORTS)
        claim = _claimed(port)
        if claim is not None and _free(port):
            _claims.append(claim)
            return port


def _claimed(port: int) -> socket.socket | None:
    """A name in Linux's abstract space for Unix sockets, which ends with its process; elsewhere no claim is known."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0harvestd-tests-{port}")
    except FileNotFoundError:
        pass  # a system without such names
    except OSError:
        claim.close()
        return None
    return claim


def _free(port: int) -> bool:
    with socket.socket() as tried:
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

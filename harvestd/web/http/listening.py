"""Listening on a port, and ceasing to without a connection lost."""

from __future__ import annotations

import ctypes
import socket
import struct
import sys
from typing import Any

from twisted.internet import tcp
from twisted.internet.error import CannotListenError, ConnectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from harvestd.process.ports import cannot_listen
from harvestd.runtime.lifecycle import sleep

BACKLOG = 1024
#: Seconds in which a handshake that has begun is completed, between machines of one network.
HANDSHAKE = 0.005
#: Linux's number of the option; Python has no name for it.
SO_ATTACH_FILTER = 26
#: A packet filter (classic BPF; code, jump if true, jump if false, operand) on the TCP header: drop a SYN without ACK.
_NO_SYN = ((0x30, 0, 0, 13), (0x54, 0, 0, 0x12), (0x15, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))
log = Logger()


def listen(reactor: Any, site: Any, host: str, port: int, reuse_port: bool, name: str = "http_port") -> Any:
    """A listening port on ``host``, an IPv4 or IPv6 address (or ``localhost``); port 0 takes a free one."""
    address = "127.0.0.1" if host == "localhost" else host
    try:
        if reuse_port:
            made = tcp.makeBinding(address, port, reuseAddress=True, reusePort=True)
            return reactor.listenTCP(made, site, backlog=BACKLOG)
        return reactor.listenTCP(port, site, backlog=BACKLOG, interface=address)
    except (CannotListenError, OSError) as error:
        cause = error.socketError if isinstance(error, CannotListenError) else error
        raise cannot_listen(cause, host, port, name) from error


async def cease(reactor: Any, port: Any) -> None:
    """Stop listening. A connection that the kernel completed before is accepted: closing the port would reset it, and
    whoever is at its other end, such as a proxy with an order, could not know whether that was done.

    Where the kernel can be told so (Linux; some allow it to root alone), it begins no handshake any more for the moment that
    this takes: who connects just then is refused when it tries again, and goes elsewhere. Otherwise what is left is
    the moment, some microseconds long, between the last look and the end.
    """
    if _take_no_more(port.socket):
        await sleep(reactor, HANDSHAKE)
    port.stopReading()
    port.numberAccepts = BACKLOG  # it would take as many as it found the last time, often one
    port.doRead()
    port.connectionLost(Failure(ConnectionDone()))  # stopListening would do this in a later turn of the reactor


def _take_no_more(listener: socket.socket) -> bool:
    if sys.platform != "linux":
        return False
    program = b"".join(struct.pack("HBBI", *step) for step in _NO_SYN)
    held = ctypes.create_string_buffer(program)
    try:
        described = struct.pack(
            "HxxxxxxP" if struct.calcsize("P") == 8 else "HxxP", len(_NO_SYN), ctypes.addressof(held)
        )
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, described)
    except OSError as error:
        log.debug("no packet filter for the port that closes: {why}", why=str(error))
        return False
    return True

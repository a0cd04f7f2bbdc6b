"""Open a listening port, and close it gracefully, without losing a connection."""

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
#: Seconds in which a started TCP handshake completes between machines of one network.
HANDSHAKE = 0.005
#: The Linux value of this socket option; Python does not define it.
SO_ATTACH_FILTER = 26
#: A packet filter (classic BPF; code, jump if true, jump if false, operand) on the TCP header: drop a SYN without ACK.
_NO_SYN = ((0x30, 0, 0, 13), (0x54, 0, 0, 0x12), (0x15, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))
log = Logger()


def listen(reactor: Any, site: Any, host: str, port: int, reuse_port: bool, name: str = "http_port") -> Any:
    """Listen on ``host``, an IPv4 or IPv6 address (or ``localhost``); port 0 picks a free one."""
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
    """Stop listening. Connections already in the accept queue are accepted first: closing the port would reset them, and a client,
    such as a proxy forwarding an order, could not know whether its request was processed.

    Where the kernel allows it (Linux; sometimes root only), a packet filter drops new SYNs meanwhile: such a client retransmits,
    is then refused, and connects elsewhere. Otherwise a race of some microseconds remains between the last accept and the close.
    """
    if _take_no_more(port.socket):
        await sleep(reactor, HANDSHAKE)
    port.stopReading()
    port.numberAccepts = BACKLOG  # the default is as many as last time, often one
    port.doRead()
    port.connectionLost(Failure(ConnectionDone()))  # stopListening would do this in a later reactor iteration


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

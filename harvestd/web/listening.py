"""Listening on a port, and ceasing to without a connection lost."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twisted.internet import tcp
from twisted.internet.error import CannotListenError, ConnectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from harvestd.lifecycle import sleep

BACKLOG = 1024
#: Seconds in which a handshake that has begun is completed, between machines of one network.
HANDSHAKE = 0.005
#: Linux's number of the option; Python has no name for it.
SO_ATTACH_FILTER = 26
#: A packet filter (classic BPF; code, jump if true, jump if false, operand) on the TCP header: drop a SYN without ACK.
_NO_SYN = ((0x30, 0, 0, 13), (0x54, 0, 0, 0x12), (0x15, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))
log = Logger()


class PortInUse(Exception):
    """Somebody else listens there; the text names the port and the cure."""


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


def cannot_listen(cause: Any, host: str, port: int, name: str = "http_port") -> Exception:
    """What the system's error means, for the person who starts the daemon: :class:`PortInUse`, or an ``OSError``. ``name`` is
    the setting that the port is from."""
    number = getattr(cause, "errno", None)
    variable = f"HARVEST_{name.upper()}"
    if number == errno.EADDRINUSE:
        whose = listener(port)
        by = f" by {whose}" if whose else ""
        return PortInUse(
            f"port {port} on {host} is in use{by}; stop what listens there, or set {variable} to a free one"
        )
    if number == errno.EACCES:
        return PermissionError(number, f"port {port} needs privileges; set {variable} to one above 1023")
    if number == errno.EADDRNOTAVAIL or isinstance(cause, socket.gaierror):
        of_host = variable.replace("_PORT", "_HOST")
        return OSError(number, f"{host} is no address of this machine; set {of_host} to one, or to 0.0.0.0")
    return OSError(number, f"cannot listen on {host}:{port}: {cause}")


def listener(port: int) -> str:
    """Whose TCP port it is, such as ``nginx (process 4711)``, as far as /proc tells; otherwise nothing. That of another account
    is told to root alone."""
    sockets = {inode for table in ("/proc/net/tcp", "/proc/net/tcp6") for inode in _listening(table, port)}
    for process in filter(str.isdigit, os.listdir("/proc") if sockets else ()):
        try:
            folder = f"/proc/{process}/fd"
            if any(os.readlink(f"{folder}/{descriptor}") in sockets for descriptor in os.listdir(folder)):
                return f"{Path(f'/proc/{process}/comm').read_text().strip()} (process {process})"
        except OSError:  # it has ended, or is somebody else's
            continue
    return ""


def _listening(table: str, port: int) -> Iterator[str]:
    """What a descriptor of each listening socket on the port is a link to. Columns as in proc(5); 0A is LISTEN."""
    try:
        lines = Path(table).read_text().splitlines()[1:]
    except OSError:
        return
    for columns in (line.split() for line in lines):
        if columns[3] == "0A" and int(columns[1].rpartition(":")[2], 16) == port:
            yield f"socket:[{columns[9]}]"

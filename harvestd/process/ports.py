"""The API's port, claimed before anything else is started: a port in use is detected while nothing has to be undone,
and an ephemeral port's number is known."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from harvestd.settings.table import Settings


class PortInUse(Exception):
    """Another process listens there; the text names the port and the remedy."""


@attrs.frozen(eq=False)
class Claim:
    """A bound socket that does not listen: no other process gets the port meanwhile, and clients are refused."""

    socket: socket.socket

    @property
    def number(self) -> int:
        """The port's number."""
        return int(self.socket.getsockname()[1])

    def drop(self) -> None:
        """Release it for the actual listener."""
        self.socket.close()


def claim(settings: Settings, first: bool) -> Claim:
    """Bind the configured port. Raises what the server would raise when listening.

    If several processes will share it, by SO_REUSEPORT, the ``first`` makes sure that no other market has it: that
    option by itself silently lets a second market of the same account join in.
    """
    host, port = settings.http_host, settings.http_port
    if not first:
        return _bound(host, port, shared=True)
    alone = _bound(host, port, shared=False)
    if settings.processes == 1:
        return alone
    number = alone.number
    alone.drop()
    return _bound(host, number, shared=True)


def _bound(host: str, port: int, shared: bool) -> Claim:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise cannot_listen(error, host, port) from error
    return Claim(bound)


def cannot_listen(cause: Any, host: str, port: int, name: str = "http_port") -> Exception:
    """The system's error explained to the person who starts the daemon: :class:`PortInUse`, or an ``OSError``. ``name``
    is the setting that the port is from."""
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
    """The owner of a TCP port, such as ``nginx (process 4711)``, as far as /proc tells; otherwise nothing. Only root
    sees other accounts' processes."""
    sockets = {inode for table in ("/proc/net/tcp", "/proc/net/tcp6") for inode in _listening(table, port)}
    for process in filter(str.isdigit, os.listdir("/proc") if sockets else ()):
        try:
            folder = f"/proc/{process}/fd"
            if any(os.readlink(f"{folder}/{descriptor}") in sockets for descriptor in os.listdir(folder)):
                return f"{Path(f'/proc/{process}/comm').read_text().strip()} (process {process})"
        except OSError:  # it has exited, or belongs to another account
            continue
    return ""


def _listening(table: str, port: int) -> Iterator[str]:
    """The link target of each listening socket's descriptor on the port. Columns as in proc(5); 0A is LISTEN."""
    try:
        lines = Path(table).read_text().splitlines()[1:]
    except OSError:
        return
    for columns in (line.split() for line in lines):
        if columns[3] == "0A" and int(columns[1].rpartition(":")[2], 16) == port:
            yield f"socket:[{columns[9]}]"

"""Raw sockets for clients that mean no good: from any address of the loopback, and as many as there are descriptors.

``tests/faults/raw.py`` has one for clients that only shall cost little.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

HEAD = "Host: 127.0.0.1\r\n"


def get(path: str, *lines: str) -> bytes:
    """A request."""
    more = "".join(f"{line}\r\n" for line in lines)
    return f"GET {path} HTTP/1.1\r\n{HEAD}{more}\r\n".encode("latin-1")


def connected(port: int, source: str = "127.0.0.1", receive_buffer: int = 0) -> socket.socket:
    """A connection to a port of the loopback, from ``source`` (any of 127.0.0.0/8). A small ``receive_buffer`` (bytes) makes
    of the kernel no reader in the client's place."""
    made = socket.socket()
    made.settimeout(20)
    if receive_buffer:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    made.bind((source, 0))
    made.connect(("127.0.0.1", port))
    return made


@contextmanager
def crowd(port: int, number: int, source: str = "127.0.0.1", receive_buffer: int = 0) -> Iterator[list[socket.socket]]:
    """So many connections of one address; those that are refused are sockets all the same."""
    members: list[socket.socket] = []
    try:
        for _ in range(number):
            members.append(connected(port, source, receive_buffer))
        yield members
    finally:
        for one in members:
            one.close()


def gone(one: socket.socket) -> bool:
    """Whether the server has closed it; what it said before is read and dropped."""
    one.setblocking(False)
    try:
        while one.recv(65536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def aborted(members: list[socket.socket]) -> int:
    """How many of them the server has ended, without reading what it said before."""
    poll = select.poll()
    for one in members:
        poll.register(one, select.POLLRDHUP)
    return len(poll.poll(0))


def answer(one: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (lower-case names) and body of the next answer; ConnectionResetError without one."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(one)
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    while len(body) < int(headers.get("content-length", "0")):
        body += _more(one)
    return int(lines[0].split(" ", 2)[1]), headers, body


def asked(port: int, path: str, source: str = "127.0.0.1") -> tuple[int, dict[str, str], bytes]:
    """One GET on a connection of its own."""
    with connected(port, source) as one:
        one.sendall(get(path))
        return answer(one)


def _more(one: socket.socket) -> bytes:
    data = one.recv(65536)
    if not data:
        raise ConnectionResetError("the connection was closed")
    return data


def resident(pid: int) -> int:
    """Bytes of memory that a process has."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def cpu(pid: int) -> float:
    """Seconds of processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@attrs.define
class Stranger:
    """People with other addresses, who ask for one page after the other and note how long each takes."""

    port: int
    path: str = "/api/products"
    took: list[float] = attrs.field(factory=list)
    statuses: list[int] = attrs.field(factory=list)

    def ask(self, times: int = 1) -> None:
        """So many requests, each on a connection of its own."""
        for _ in range(times):
            began = time.monotonic()
            status, _, _ = asked(self.port, self.path, f"127.1.0.{1 + len(self.statuses) % 200}")
            self.took.append(time.monotonic() - began)
            self.statuses.append(status)

    def percentile(self, share: float = 0.99) -> float:
        """Seconds that this share of the answers took at most."""
        return sorted(self.took)[min(len(self.took) - 1, int(len(self.took) * share))]

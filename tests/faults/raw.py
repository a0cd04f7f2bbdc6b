"""A client that costs little: GET on one kept-alive connection, and nothing that HTTP can do beyond what the daemon sends."""

from __future__ import annotations

import socket


class Wire:
    """To a port of the loopback; connects at its first use."""

    def __init__(self, port: int, timeout: float = 20.0) -> None:
        self._port = port
        self._timeout = timeout
        self._socket: socket.socket | None = None
        self._read = b""

    def get(self, path: str, tag: str = "") -> tuple[int, str, bytes]:
        """Status, ETag and body. OSError when the connection fails; ``tag`` is sent as If-None-Match."""
        self.send(path, tag)
        return self.receive()

    def send(self, path: str, tag: str = "") -> None:
        """The request, whose answer ``receive`` waits for."""
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), self._timeout)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        known = f"If-None-Match: {tag}\r\n" if tag else ""
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n{known}\r\n".encode("ascii"))

    def receive(self) -> tuple[int, str, bytes]:
        """As ``get``."""
        while (end := self._read.find(b"\r\n\r\n")) < 0:
            self._more()
        lines = self._read[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        status, length = int(lines[0].split(" ", 2)[1]), end + 4
        if status != 304:
            length += int(headers["content-length"])
        while len(self._read) < length:
            self._more()
        body, self._read = self._read[end + 4 : length], self._read[length:]
        return status, headers.get("etag", ""), body

    def close(self) -> None:
        """End."""
        if self._socket is not None:
            self._socket.close()

    def _more(self) -> None:
        assert self._socket is not None
        data = self._socket.recv(262144)
        if not data:
            raise ConnectionResetError("the connection was closed")
        self._read += data

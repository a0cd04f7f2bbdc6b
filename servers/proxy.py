"""A TCP proxy that does harm: it delays, swallows, cuts and refuses. It runs in threads of its own."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress

CHUNK = 65536


class Proxy:
    """Listens on ``port`` of the loopback and passes everything on to ``target``: (host, port), or the path of a socket.

    The attributes say what happens to bytes from now on, on old connections too: ``delay`` in seconds for each piece,
    by direction; ``blackhole`` takes and forgets them; ``reset_after`` bytes to the server, a connection is reset;
    ``refuse`` resets new connections.
    """

    def __init__(self, target: tuple[str, int] | str) -> None:
        self.target = target
        self.delay_there = 0.0
        self.delay_back = 0.0
        self.blackhole = False
        self.refuse = False
        self.reset_after: int | None = None
        self.accepted = 0
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = int(self._listener.getsockname()[1])
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def cut(self) -> None:
        """Reset every connection that is open."""
        with self._lock:
            sockets, self._sockets = self._sockets, set()
        for one in sockets:
            _reset(one)

    def mend(self) -> None:
        """Do no harm any more. What a blackhole swallowed is lost, so its connections are reset."""
        self.delay_there = self.delay_back = 0.0
        self.refuse, self.reset_after = False, None
        if self.blackhole:
            self.blackhole = False
            self.cut()

    def close(self) -> None:
        """End it."""
        self._closed = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            if self.refuse:
                _reset(client)
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            if isinstance(self.target, str):
                server = socket.socket(socket.AF_UNIX)
                server.connect(self.target)
            else:
                server = socket.create_connection(self.target, timeout=10)
                server.settimeout(None)
                server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            _reset(client)
            return
        with self._lock:
            self._sockets |= {client, server}
        back = threading.Thread(target=self._pump, args=(server, client, False), daemon=True)
        back.start()
        self._pump(client, server, True)
        back.join()
        with self._lock:
            self._sockets -= {client, server}
        for one in (client, server):
            one.close()

    def _pump(self, source: socket.socket, sink: socket.socket, there: bool) -> None:
        passed = 0
        try:
            while data := source.recv(CHUNK):
                if pause := self.delay_there if there else self.delay_back:
                    time.sleep(pause)
                if self.blackhole:
                    continue
                passed += len(data)
                if there and self.reset_after is not None and passed > self.reset_after:
                    sink.sendall(data[: len(data) - (passed - self.reset_after)])
                    _reset(source)
                    _reset(sink)
                    return
                sink.sendall(data)
        except OSError:
            pass
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


def _reset(one: socket.socket) -> None:
    """Close with RST, whoever waits on it."""
    with suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()

"""Redis for tests."""

from __future__ import annotations

import socket

import hiredis

from servers.private import PrivateServer, needed


class RedisServer(PrivateServer):
    """One private Redis on a free port of the loopback, small, and without a file unless ``persistent`` (``SAVE`` writes
    one, that its next start reads). ``options`` are more of its configuration: ``"maxmemory", "2mb"``."""

    name = "redis"
    patience = 10.0

    def __init__(self, *options: str, persistent: bool = False) -> None:
        super().__init__()
        self.program = needed("redis-server", "redis-server")
        self.options = options
        self.persistent = persistent

    def command(self) -> list[str]:
        """Debian's redis-server, in the foreground."""
        return [
            self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "",
            "--appendonly", "no", "--dbfilename", "dump.rdb" if self.persistent else "none.rdb", "--databases", "16",
            "--daemonize", "no", *(f"--{word}" if n % 2 == 0 else word for n, word in enumerate(self.options)),
        ]  # fmt: skip

    def answers(self) -> bool:
        """PONG."""
        return self.ask("PING") == b"PONG"

    def url(self, number: int = 0) -> str:
        """As redis_url."""
        return f"redis://127.0.0.1:{self.port}/{number}"

    def ask(self, *command: str | bytes | int | float) -> object:
        """One command, blocking, on a connection of its own; what it answers, an error raised."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(hiredis.pack_command(command))
            reader = hiredis.Reader()
            while (reply := reader.gets()) is False:
                data = connection.recv(65536)
                if not data:
                    raise ConnectionResetError("Redis closed the connection")
                reader.feed(data)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def flush(self) -> None:
        """Forget everything."""
        self.ask("FLUSHALL")

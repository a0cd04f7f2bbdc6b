"""An upstream that writes down what it is asked, and answers as the test tells it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs

#: What it answers unless told otherwise.
BODY = b'{"items":["' + b"carrots and leeks, " * 100 + b'"]}'
PUBLIC = {"Cache-Control": "public, no-cache", "Vary": "Authorization"}


@attrs.frozen
class Asked:
    """One request as it came. ``connection`` numbers the connections."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int


class Upstream:
    """Listens on ``port``. ``answer`` is called with each request and its handler, and answers status, headers, body; or
    None when it has written (or refused to write) itself."""

    def __init__(self, answer: Callable[[Asked, Any], tuple[int, dict[str, str], bytes] | None] | None = None) -> None:
        self.asked: list[Asked] = []
        self.answer = answer or (lambda asked, handler: (200, {"Content-Type": "application/json"}, BODY))
        self.connections = 0
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                upstream.connections += 1
                self.number = upstream.connections

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, self.path, headers, body, self.number)
                upstream.asked.append(asked)
                made = upstream.answer(asked, self)
                if made is None:
                    self.close_connection = True
                    return
                status, more, content = made
                (self.send_response_only if "Date" in more else self.send_response)(status)
                for name, value in {"Content-Length": str(len(content)), **more}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [asked.path for asked in self.asked]

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


def public(asked: Asked, handler: Any) -> tuple[int, dict[str, str], bytes]:
    """A listing that everybody gets alike, after a moment; the number of the request is in it."""
    time.sleep(0.05)
    return 200, {"Content-Type": "application/json", "ETag": '"v1-x"', **PUBLIC}, BODY + str(id(asked)).encode()

"""A small server that answers as S3 does when something is wrong, and remembers what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, str], bytes]


def error(status: int, code: str, **headers: str) -> Answer:
    """An answer with an error of S3's."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>said the test</Message></Error>".encode()
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, body


class SmallS3:
    """``answers`` has what is answered next, the last of it for ever; ``asked`` what was asked, as method and path."""

    def __init__(self, *answers: Answer | Callable[[], Answer]) -> None:
        self.answers: list[Any] = list(answers)
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.asked.append(f"{self.command} {self.path}")
                one = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                status, headers, body = one() if callable(one) else one
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> SmallS3:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """As s3_url."""
        return f"http://key:secret@127.0.0.1:{self.port}/market"

"""Nginx with the files of ``nginx/`` as they are shipped, but for ports, paths and the names of the upstreams.

Every value that is replaced is one that an operator may set, and must be found, so that a file that changes its form fails
here instead of being tested without its change.
"""

from __future__ import annotations

import re
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Sequence
from http.client import HTTPSConnection
from pathlib import Path

import psutil

from servers.private import PrivateServer, absent, free_port, needed, wait_until

FILES = Path(__file__).parents[1] / "nginx"
MODULES = {
    Path("/usr/lib/nginx/modules/ngx_http_brotli_filter_module.so"): "libnginx-mod-http-brotli-filter",
    Path("/usr/lib/nginx/modules/ngx_http_js_module.so"): "libnginx-mod-http-js",
}
#: As Debian's, with what it has in /etc and /var in a folder. ``{load}`` is what modules-enabled/ has.
OUTER = """{load}
worker_processes {workers};
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 2048; }}
http {{
    sendfile on;
    tcp_nopush on;
    types_hash_max_size 2048;
    include {mime};
    default_type application/octet-stream;
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
    ssl_prefer_server_ciphers on;
    access_log {folder}/others.log;
    gzip on;
    client_body_temp_path {folder}/temp/body;
    proxy_temp_path {folder}/temp/proxy;
    fastcgi_temp_path {folder}/temp/fastcgi;
    uwsgi_temp_path {folder}/temp/uwsgi;
    scgi_temp_path {folder}/temp/scgi;
    include {folder}/harvest.conf;
}}
"""


class NginxServer(PrivateServer):
    """In front of ``upstreams``, ports of the loopback. ``port`` is for plain HTTP, ``tls_port`` for TLS.

    ``limits`` leaves this machine its limits of requests; ``strict`` answers nobody who does not ask for ``localhost`` by
    name. ``www`` has ``static/`` and ``media/``; ``log_file`` is the access log.
    """

    name = "nginx"
    unprivileged = True

    def __init__(
        self, upstreams: Sequence[int], *, limits: bool = False, strict: bool = False, workers: int = 2
    ) -> None:
        super().__init__()
        self.program = needed("nginx", "nginx")
        for module, package in MODULES.items():
            if not module.exists():
                absent(f"Nginx has no {module.name}: apt install {package}")
        self.tls_port, self.workers = free_port(), workers
        self.www = self.folder / "www"
        self.log_file = self.folder / "access.log"
        for folder in (self.folder / "temp", self.www / "static", self.www / "media", self.folder / "snippets"):
            folder.mkdir(parents=True)
        self.certificate = self._certificate()
        self._write_files(upstreams, limits, strict)
        mime = Path("/etc/nginx/mime.types")
        load = "\n".join(f"load_module {module};" for module in MODULES)
        (self.folder / "nginx.conf").write_text(OUTER.format(load=load, workers=workers, folder=self.folder, mime=mime))
        for path in self.folder.rglob("*"):
            self.own(path)

    def command(self) -> list[str]:
        return [self.program, "-e", str(self.folder / "error.log"), "-c", str(self.folder / "nginx.conf")]

    def answers(self) -> bool:
        """The port is there before those are who serve it."""
        socket.create_connection(("127.0.0.1", self.tls_port), timeout=1).close()
        return len(self._accepting()) >= self.workers

    @property
    def errors(self) -> str:
        """Its error log."""
        path = self.folder / "error.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def trust(self) -> ssl.SSLContext:
        """For clients: its certificate, for ``localhost`` and ``127.0.0.1``, and no other."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def connect(self, timeout: float = 20.0) -> HTTPSConnection:
        """A client's connection, kept alive."""
        return HTTPSConnection("127.0.0.1", self.tls_port, timeout=timeout, context=self.trust)

    def reload(self) -> None:
        """Take the files anew; comes back when all workers are new ones and the old ones accept no more."""
        assert self.process is not None
        before = self._accepting()
        self.process.send_signal(signal.SIGHUP)
        wait_until(
            "new workers",
            lambda: len(self._accepting() - before) >= self.workers and not before & self._accepting(),
            20,
        )

    def _accepting(self) -> set[int]:
        """Workers that accept: they are called so once they have begun, and otherwise ("worker process is shutting down") once they
        were told to end."""
        assert self.process is not None
        found = set()
        for child in psutil.Process(self.process.pid).children():
            try:
                if " ".join(child.cmdline()).strip() == "nginx: worker process":
                    found.add(child.pid)
            except psutil.NoSuchProcess:
                pass
        return found

    def _certificate(self) -> Path:
        certificate = self.folder / "fullchain.pem"
        subprocess.run(
            [
                needed("openssl", "openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                "-keyout", str(self.folder / "privkey.pem"), "-out", str(certificate),
            ],
            check=True, capture_output=True, timeout=30,
        )  # fmt: skip
        return certificate

    def _write_files(self, upstreams: Sequence[int], limits: bool, strict: bool) -> None:
        for snippet in (FILES / "snippets").iterdir():
            shutil.copy(snippet, self.folder / "snippets")
        self._edit("snippets/harvest-server.conf", (r"/var/log/nginx/harvest\.log", str(self.log_file)))
        self._edit("snippets/harvest-http.conf", (r"/var/lib/nginx/harvest\b", f"{self.folder}/cache"))
        servers = "\n".join(f"    server 127.0.0.1:{port} max_fails=0;" for port in upstreams)
        shutil.copy(FILES / "harvest.conf", self.folder)
        self._edit(
            "harvest.conf",
            (r"( +server 127\.0\.0\.1:\d+ max_fails=0;\n)+", servers + "\n"),
            (r"( +)# (127\.0\.0\.1 1;)", r"\1# \2" if limits else r"\1\2"),
            (r" +listen \[::\]:.*\n", ""),
            (r"listen 80\b", f"listen 127.0.0.1:{self.port}"),
            (r"listen 443\b", f"listen 127.0.0.1:{self.tls_port}"),
            (r"server_name market\.example\.org;", "server_name localhost 127.0.0.1;"),
            (r"/etc/harvestd/tls/fullchain\.pem", str(self.certificate)),
            (r"/etc/harvestd/tls/privkey\.pem", str(self.folder / "privkey.pem")),
            (r"/var/www/acme", str(self.folder / "acme")),
            (r"root /var/(www/harvest|lib/harvestd/blobs);", f"root {self.www};"),
        )
        if not strict:
            self._edit("harvest.conf", (rf" +listen 127\.0\.0\.1:{self.tls_port} ssl http2 default_server;\n", ""))

    def _edit(self, name: str, *changes: tuple[str, str]) -> None:
        path = self.folder / name
        text = path.read_text()
        for pattern, replacement in changes:
            text, count = re.subn(pattern, replacement, text)
            assert count, f"nginx/{name} has nothing of the form {pattern}"
        path.write_text(text)

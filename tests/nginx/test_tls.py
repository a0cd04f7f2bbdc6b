"""How clients reach the market: TLS alone, HTTP/2, under its own name."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Callable
from http.client import HTTPConnection

import pytest

from servers.nginx import NginxServer
from servers.private import needed
from tests.nginx.conftest import ask
from tests.nginx.upstream import Upstream

Front = Callable[..., NginxServer]


def test_plain_http_is_sent_to_tls_with_its_method_and_query(front: Front, upstream: Upstream) -> None:
    nginx = front(upstream.port)
    connection = HTTPConnection("localhost", nginx.port, timeout=10)
    connection.request("POST", "/api/products?sort=price", b"{}")
    response = connection.getresponse()
    assert response.status == 308
    assert response.headers["Location"] == "https://localhost/api/products?sort=price"
    connection.close()
    assert upstream.asked == []


def test_certificates_by_acme_are_asked_for_over_plain_http(front: Front, upstream: Upstream) -> None:
    nginx = front(upstream.port)
    folder = nginx.folder / "acme" / ".well-known" / "acme-challenge"
    folder.mkdir(parents=True)
    (folder / "token").write_text("proof")
    connection = HTTPConnection("localhost", nginx.port, timeout=10)
    connection.request("GET", "/.well-known/acme-challenge/token")
    assert connection.getresponse().read() == b"proof"
    connection.close()


def handshake(nginx: NginxServer, name: str, context: ssl.SSLContext) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", nginx.tls_port), timeout=10)
    return context.wrap_socket(plain, server_hostname=name)


def test_http_2_is_agreed_on_and_spoken(front: Front, upstream: Upstream) -> None:
    nginx = front(upstream.port)
    context = nginx.trust
    context.set_alpn_protocols(["h2", "http/1.1"])
    with handshake(nginx, "localhost", context) as agreed:
        assert agreed.selected_alpn_protocol() == "h2"
        assert agreed.version() == "TLSv1.3"
    curl = [needed("curl", "curl"), "-sS", "--http2", "--cacert", str(nginx.certificate), "-w", "\n%{http_version}"]
    done = subprocess.run(
        [*curl, f"https://localhost:{nginx.tls_port}/api/products"], capture_output=True, text=True, timeout=20
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "2"
    assert [asked.path for asked in upstream.asked] == ["/api/products"]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_old_tls_is_refused(front: Front, upstream: Upstream) -> None:
    nginx = front(upstream.port)
    context = nginx.trust
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        handshake(nginx, "localhost", context)


def test_another_name_gets_neither_certificate_nor_answer(front: Front, upstream: Upstream) -> None:
    nginx = front(upstream.port, strict=True)
    with pytest.raises(ssl.SSLError, match="unrecognized name"):
        handshake(nginx, "other.example.org", nginx.trust)
    with handshake(nginx, "localhost", nginx.trust) as open_socket:
        open_socket.sendall(b"GET /api/products HTTP/1.1\r\nHost: other.example.org\r\n\r\n")
        assert open_socket.recv(100) == b""
    assert upstream.asked == []


def test_tls_is_insisted_on_once_it_was_used(front: Front, upstream: Upstream) -> None:
    assert (
        ask(front(upstream.port), "/api/products").one("strict-transport-security")
        == "max-age=31536000; includeSubDomains"
    )

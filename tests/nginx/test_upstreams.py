"""Between Nginx and the instances: connections, failures, addresses, streams, the log."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from servers import wait_until
from servers.nginx import NginxServer
from servers.pace import Pace, bounded
from servers.private import free_port
from tests.daemons import request
from tests.nginx.conftest import Shop, ask
from tests.nginx.upstream import Asked, Upstream

Front = Callable[..., NginxServer]


@pytest.fixture
def second() -> Iterator[Upstream]:
    made = Upstream()
    yield made
    made.close()


def test_connections_are_kept(front: Front, upstream: Upstream) -> None:
    nginx = front(upstream.port, workers=1)
    for n in range(20):
        assert ask(nginx, f"/api/x?{n}").status == 200
    assert upstream.connections == 1


def test_an_idle_connection_is_closed_by_nginx_before_a_draining_daemon_would(front: Front, upstream: Upstream) -> None:
    """``keepalive_timeout`` to the instances is below ``stop_grace`` of the worked harvest.toml."""
    import re
    import tomllib

    from servers.nginx import FILES

    found = re.search(r"keepalive_timeout (\d+)s;", (FILES / "harvest.conf").read_text())
    assert found is not None
    worked = tomllib.loads((FILES.parent / "systemd" / "harvest.toml").read_text())
    assert int(found[1]) + 1 <= worked["stop_grace"]
    assert worked["stop_grace"] < worked.get("stop_deadline", 20) * 0.8


# --- an instance that fails ---


def breaking(asked: Asked, handler: Any) -> None:
    """The connection ends without an answer, as when a process is killed."""
    handler.connection.shutdown(socket.SHUT_RDWR)


def test_a_refused_connection_goes_to_the_next_whatever_the_method(front: Front, upstream: Upstream) -> None:
    nginx = front(free_port(), free_port(), upstream.port)
    for method in ("GET", "POST", "PATCH", "DELETE") * 3:
        assert ask(nginx, "/api/things", method, b"{}" if method != "GET" else None).status == 200
    assert len(upstream.asked) == 12


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_what_may_be_repeated_is_asked_of_another(
    front: Front, upstream: Upstream, second: Upstream, method: str
) -> None:
    upstream.answer = breaking
    nginx = front(upstream.port, second.port)
    assert {ask(nginx, f"/api/cart?{n}", method).status for n in range(4)} == {200}
    assert upstream.asked, "it was tried"


def test_a_post_that_was_sent_is_not_sent_again(front: Front, upstream: Upstream, second: Upstream) -> None:
    """It may have been executed: the client decides, who knows what it would do."""
    upstream.answer = second.answer = breaking
    nginx = front(upstream.port, second.port)
    answer = ask(nginx, "/api/orders/1/cancel", "POST", b"{}")
    assert answer.status == 502
    assert json.loads(answer.body)["type"] == "/problems/unavailable"
    assert len(upstream.asked) + len(second.asked) == 1


def test_an_order_is_since_its_key_makes_it_one(front: Front, upstream: Upstream, second: Upstream) -> None:
    upstream.answer = breaking
    nginx = front(upstream.port, second.port)
    answers = [ask(nginx, "/api/orders", "POST", b"{}", Idempotency_Key=f"k{n}").status for n in range(4)]
    assert answers == [200] * 4
    assert {asked.headers["idempotency-key"] for asked in second.asked} == {"k0", "k1", "k2", "k3"}
    assert upstream.asked, "it was tried"


#: Seconds within which Nginx ends every request, however many instances it asks; and one for a machine that is busy.
BOUND = 5.0 + 1.0


def timed(nginx: NginxServer, method: str, path: str) -> tuple[int, float]:
    """The status, and the seconds that it took."""
    began = time.monotonic()
    body = None if method in ("GET", "HEAD") else b"{}"
    return ask(nginx, path, method, body, Idempotency_Key="k").status, time.monotonic() - began


def silent(asked: Asked, handler: Any) -> None:
    """As a frozen process: it took the request, and says nothing."""
    time.sleep(12)


@pytest.mark.timeout(90)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_of_an_instance_that_is_silent_another_is_asked_soon_for_what_may_be_repeated(
    front: Front, upstream: Upstream, second: Upstream, method: str
) -> None:
    upstream.answer = silent
    nginx = front(upstream.port, second.port)
    for path in ("/api/things", "/page"):
        while not upstream.asked:
            pace = Pace()
            assert ask(nginx, path, method).status == 200
        assert pace.seconds() < 4
        upstream.asked.clear()


@pytest.mark.timeout(90)
def test_of_an_instance_that_is_silent_another_is_asked_soon_for_an_order_and_nothing_else_is_done_twice(
    front: Front, upstream: Upstream, second: Upstream
) -> None:
    upstream.answer = silent
    nginx = front(upstream.port, second.port)
    while not upstream.asked:
        pace = Pace()
        assert ask(nginx, "/api/orders", "POST", b"{}", Idempotency_Key="k").status == 200
    assert pace.seconds() < 4
    for method, path in (("POST", "/api/orders/1/cancel"), ("PATCH", "/api/products/1"), ("POST", "/api/auth/refresh")):
        upstream.asked.clear()
        second.asked.clear()
        while not upstream.asked:
            second.asked.clear()
            answer = ask(nginx, path, method, b"{}")
        assert answer.status == 504 and json.loads(answer.body)["type"] == "/problems/unavailable"
        assert second.asked == []


@pytest.mark.timeout(60)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_when_all_are_silent_each_way_in_ends_within_the_bound(front: Front, number: int) -> None:
    made = [Upstream(silent) for _ in range(number)]
    nginx = front(*(one.port for one in made))
    ways = [
        (method, path)
        for path in ("/page", "/api/things", "/api/orders", "/api/auth/login", "/health")
        for method in ("GET", "HEAD", "PUT", "DELETE", "POST", "PATCH")
    ]
    pace = Pace()
    with ThreadPoolExecutor(len(ways)) as threads:
        found = list(threads.map(lambda way: timed(nginx, *way), ways))
    assert {status for status, _ in found} == {504}
    slowest = max(zip(found, ways, strict=True), key=lambda pair: pair[0][1])
    assert slowest[0][1] < bounded(BOUND, pace.kept()), slowest
    for one in made:
        one.close()


@pytest.mark.timeout(60)
def test_when_all_are_silent_what_was_there_is_given_within_seconds_and_says_how_old_it_is(
    front: Front, upstream: Upstream, second: Upstream
) -> None:
    made = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=100)
    old = format_datetime(made, usegmt=True)
    headers = {"Cache-Control": "public, no-cache", "Date": old, "Age": "7"}
    upstream.answer = second.answer = lambda asked, handler: (200, headers, b"answer 1")
    nginx = front(upstream.port, second.port)
    assert ask(nginx, "/api/products").body == b"answer 1"
    upstream.answer = second.answer = silent

    def stale() -> bool:
        pace = Pace()
        answer = ask(nginx, "/api/products")
        assert pace.seconds() < BOUND
        passed = (datetime.now(UTC) - made).total_seconds() + 7
        assert answer.body == b"answer 1" and passed - 5 < int(answer.one("age")) <= passed + 1
        return answer.one("x-cache") == "STALE" and old in answer.all("date")

    wait_until("it is old", stale, 30)


def test_a_transfer_coding_that_nobody_has_is_the_clients_fault(front: Front, upstream: Upstream) -> None:
    nginx = front(upstream.port)
    answer = ask(nginx, "/api/orders", "POST", b"0\r\n\r\n", Transfer_Encoding="xchunked")
    assert answer.status == 400 and json.loads(answer.body)["type"] == "/problems/malformed"
    assert upstream.asked == []


# --- who asks ---


def test_what_a_client_says_of_its_address_is_not_passed_on(front: Front, upstream: Upstream) -> None:
    ask(front(upstream.port), "/api/x", X_Forwarded_For="6.6.6.6", Forwarded="for=6.6.6.6", X_Forwarded_Proto="http")
    seen = upstream.asked[0].headers
    assert (seen["x-forwarded-for"], seen["x-forwarded-proto"]) == ("127.0.0.1", "https")
    assert not seen.get("forwarded")


def test_the_daemon_sees_the_real_address(shop: Shop) -> None:
    ask(shop.nginx, "/api/market?", X_Forwarded_For="6.6.6.6", X_Request_Id="who-asks", Cache_Control="no-cache")
    wait_until("it is in the daemon's log", lambda: '"who-asks"' in shop.daemon.log.read_text(), 5)
    line = next(line for line in shop.daemon.log.read_text().splitlines() if '"who-asks"' in line)
    assert json.loads(line)["address"] == "127.0.0.1"


def test_behind_a_balancer_its_word_counts(front: Front, upstream: Upstream) -> None:
    nginx = front(upstream.port)
    path = nginx.folder / "harvest.conf"
    text = path.read_text().replace("# set_real_ip_from 10.0.0.0/24;", "set_real_ip_from 127.0.0.1;")
    path.write_text(text.replace("# real_ip_header", "real_ip_header").replace("# real_ip_rec", "real_ip_rec"))
    nginx.reload()
    ask(nginx, "/api/x", X_Forwarded_For="6.6.6.6, 9.9.9.9")
    assert upstream.asked[0].headers["x-forwarded-for"] == "9.9.9.9", (
        "the last is the balancer's word, the others are not"
    )


def test_what_is_for_operators_is_not_for_strangers(front: Front, upstream: Upstream) -> None:
    nginx = front(upstream.port)
    path = nginx.folder / "snippets" / "harvest-locations.conf"
    assert ask(nginx, "/metrics").status == ask(nginx, "/health/ready").status == 200
    # This machine is the only client that a test has: let it be a stranger.
    path.write_text(path.read_text().replace("allow 127.0.0.0/8;", ""))
    nginx.reload()
    before = len(upstream.asked)
    for hidden in ("/metrics", "/health/ready", "/%6detrics", "//metrics", "/x/../metrics", "/api/..%2Fmetrics"):
        answer = ask(nginx, hidden)
        assert answer.status == 403, hidden
        assert answer.one("content-type") == "application/problem+json"
    assert len(upstream.asked) == before
    assert ask(nginx, "/health").status == 200


# --- streams ---


def test_the_live_stream_comes_as_it_is_sent(front: Front, upstream: Upstream) -> None:
    sent, go_on = [], threading.Event()

    def stream(asked: Asked, handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        handler.wfile.write(b"data: first\n\n")
        sent.append("first")
        assert go_on.wait(10)
        handler.wfile.write(b"data: last\n\n")
        sent.append("last")

    upstream.answer = stream
    connection = front(upstream.port).connect(timeout=5)
    connection.request("GET", "/api/live?products=1", headers={"Accept-Encoding": "br, gzip", "Last-Event-ID": "7"})
    response = connection.getresponse()
    assert response.headers["Content-Encoding"] is None
    assert response.readline() == b"data: first\n"
    assert "last" not in sent, "it is here before the last was sent"
    go_on.set()
    assert b"data: last" in response.read()
    connection.close()
    assert upstream.asked[0].headers["last-event-id"] == "7"


def test_websockets_are_upgraded_and_nothing_else_is(front: Front, upstream: Upstream) -> None:
    def echo(asked: Asked, handler: Any) -> tuple[int, dict[str, str], bytes] | None:
        if asked.headers.get("upgrade") != "websocket":
            return 200, {}, asked.headers.get("connection", "none").encode()
        handler.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        handler.wfile.write(handler.connection.recv(100).upper())
        return None

    upstream.answer = echo
    nginx = front(upstream.port)
    plain = socket.create_connection(("127.0.0.1", nginx.tls_port), timeout=10)
    with nginx.trust.wrap_socket(plain, server_hostname="localhost") as client:
        client.sendall(
            b"GET /api/live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        )
        assert client.recv(1000).startswith(b"HTTP/1.1 101 ")
        client.sendall(b"hello")
        assert client.recv(100) == b"HELLO"
    assert upstream.asked[0].headers["connection"] == "upgrade"
    assert ask(nginx, "/api/live", Connection="Upgrade", Upgrade="h2c").body == b"none"


# --- the log ---


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_log_has_ids_and_times_and_no_codes(front: Front, upstream: Upstream) -> None:
    nginx = front(upstream.port)
    ask(nginx, "/api/products?sort=price", X_Request_Id="log-1", User_Agent='a "browser"\\')
    ask(nginx, "/api/auth/google/callback?code=secret&state=s")
    ask(nginx, "/api/orders/0197f0a0?token=secret")
    ask(nginx, "/health")
    wait_until("three lines", lambda: len(nginx.log_file.read_text().splitlines()) >= 3, 5)
    time.sleep(0.05)
    first, second, third = lines(nginx.log_file)
    assert (first["request_id"], first["uri"], first["status"]) == ("log-1", "/api/products?sort=price", 200)
    assert first["agent"] == 'a "browser"\\'
    assert first["upstream"] == f"127.0.0.1:{upstream.port}"
    assert all(float(first[name]) >= 0 for name in ("upstream_connect", "upstream_header", "upstream_seconds"))
    assert second["uri"] == "/api/auth/google/callback"
    assert third["uri"] == "/api/orders/0197f0a0"


def test_health_is_answered_through_it(shop: Shop) -> None:
    assert json.loads(ask(shop.nginx, "/health").body) == {"status": "ok"}
    assert request(shop.daemon.port, "GET", "/health")[0] == 200

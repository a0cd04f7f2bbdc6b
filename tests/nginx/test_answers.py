"""What Nginx adds to answers, and what it answers itself."""

from __future__ import annotations

import base64
import gzip
import json
import re
import socket
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from servers.nginx import FILES, NginxServer
from servers.private import free_port, needed, wait_until
from tests.nginx.conftest import Answer, Shop, ask
from tests.nginx.upstream import BODY, Asked, Upstream
from tests.uploading import form, picture

Front = Callable[..., NginxServer]
CLOSED = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def assert_secure(answer: Answer, policy: str = CLOSED) -> None:
    """Every header of security, once."""
    assert answer.one("content-security-policy") == policy
    assert answer.one("x-content-type-options") == "nosniff"
    assert answer.one("x-frame-options") == "DENY"
    assert answer.one("referrer-policy") == "no-referrer"
    assert answer.one("strict-transport-security")
    assert answer.one("permissions-policy")
    assert answer.one("x-request-id")
    assert answer.one("server") == "nginx"


def assert_problem(answer: Answer, status: int, slug: str, path: str) -> None:
    """Problem details as the daemon has them, and nobody keeps them."""
    assert answer.status == status, answer
    assert answer.one("content-type") == "application/problem+json"
    assert answer.one("cache-control") == "no-store"
    found = json.loads(answer.body)
    assert found["type"] == f"/problems/{slug}"
    assert (found["status"], found["instance"]) == (status, path)
    assert found["request_id"] == answer.one("x-request-id")
    assert_secure(answer)


# --- headers ---


def test_answers_of_the_daemon_have_every_header_once(shop: Shop) -> None:
    for path, status in (("/api/products", 200), ("/api/products/none", 404), ("/nowhere", 404), ("/health", 200)):
        answer = ask(shop.nginx, path)
        assert answer.status == status
        assert_secure(answer)
        answer.one("cache-control")


def test_the_documentation_keeps_its_own_policy(shop: Shop) -> None:
    answer = ask(shop.nginx, "/docs")
    assert answer.status == 200
    assert_secure(answer, policy=answer.one("content-security-policy"))
    assert "script-src 'self'" in answer.one("content-security-policy")
    assert ask(shop.nginx, "/docs/reference.js").status == 200


def test_the_clients_request_id_is_passed_on_and_a_bad_one_replaced(front: Front, upstream: Upstream) -> None:
    nginx = front(upstream.port)
    assert ask(nginx, "/api/x", X_Request_Id="mine-1").one("x-request-id") == "mine-1"
    made = ask(nginx, "/api/x", X_Request_Id='a "bad" one').one("x-request-id")
    assert len(made) == 32
    assert [asked.headers["x-request-id"] for asked in upstream.asked] == ["mine-1", made]


# --- errors ---


def test_nobody_there_is_502_as_a_problem(front: Front) -> None:
    answer = ask(front(free_port()), '/api/products?q="}', X_Request_Id="mine-2")
    assert_problem(answer, 502, "unavailable", "/api/products")
    assert answer.one("retry-after") == "2"
    assert answer.one("x-request-id") == "mine-2"


def test_503_of_the_daemon_is_left_as_it_is(front: Front, upstream: Upstream) -> None:
    upstream.answer = lambda asked, handler: (
        503,
        {"Retry-After": "7", "Content-Type": "application/problem+json"},
        b"{}",
    )
    answer = ask(front(upstream.port), "/api/orders", "POST", b"{}")
    assert (answer.status, answer.one("retry-after"), answer.body) == (503, "7", b"{}")
    assert len(upstream.asked) == 1


def test_a_file_of_10_mb_passes_as_base64_too_where_files_are_taken_and_larger_ones_are_413(
    front: Front, upstream: Upstream
) -> None:
    nginx = front(upstream.port)
    for path in ("/api/users/me/avatar", "/api/farms/sunny-acres/documents", "/api/products/carrots/images"):
        assert ask(nginx, path, "PUT", b"x" * 13_400_000).status == 200
        head = f"PUT {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 15000000\r\n\r\n".encode()
        assert_problem(raw(nginx, head), 413, "too-large", path)


def test_a_picture_is_shown_and_kept_by_the_one_browser_alone(shop: Shop) -> None:
    person = {
        "email": "pia@example.org",
        "username": "pia",
        "password": "a long walk to market",
        "name": "Pia",
        "role": "buyer",
    }
    answer = ask(shop.nginx, "/api/auth/register", "POST", json.dumps(person).encode(), Content_Type="application/json")
    token = f"Bearer {json.loads(answer.body)['access_token']}"
    body, headers = form(picture())
    given = {"Authorization": token, "Content_Type": headers["Content-Type"]}
    answer = ask(shop.nginx, "/api/users/me/avatar", "PUT", body, **given)
    assert answer.status == 200, answer
    address = json.loads(answer.body)["avatar"]["sizes"]["small"]["webp"]
    for _ in range(2):
        shown = ask(shop.nginx, address)
        assert (shown.status, shown.one("content-type")) == (200, "image/webp")
        assert shown.one("cache-control") == "private, max-age=604800, immutable"
        assert_secure(shown, "default-src 'none'; sandbox; frame-ancestors 'none'")
    assert ask(shop.nginx, address, If_None_Match=shown.one("etag")).status == 304
    assert ask(shop.nginx, "/api/users/me/avatar", "DELETE", Authorization=token).status == 204
    assert ask(shop.nginx, address).status == 404


def test_a_products_picture_is_read_in_the_folder_and_kept_for_good(shop: Shop) -> None:
    """By an account that can read nothing else there, and without asking the daemon."""
    person = {"email": "fia@example.org", "username": "fia", "password": "a long walk to market", "name": "Fia", "role": "farmer", "farm_name": "Fia's"}  # fmt: skip

    def asked(method: str, path: str, body: Any = None, token: str = "") -> Any:
        given = {"Authorization": f"Bearer {token}"} if token else {}
        content = b"" if body is None else json.dumps(body).encode()
        answer = ask(shop.nginx, path, method, content, Content_Type="application/json", **given)
        assert answer.status < 300, answer
        return json.loads(answer.body)

    token = asked("POST", "/api/auth/register", person)["access_token"]
    offer = {"title": "Carrots", "unit": "each", "price": 100, "stock": 1}
    path = f"/api/products/{asked('POST', '/api/products', offer, token)['id']}"
    content = base64.b64encode(picture()).decode()
    assert asked("POST", f"{path}/images", {"content": content}, token)["image"]["status"] == "processing"
    wait_until("the picture is made", lambda: asked("GET", path)["images"], 30)
    address = asked("GET", path)["images"][0]["sizes"]["small"]["jpeg"]
    shop.daemon.folder.chmod(0o711)  # as systemd has it
    kept = shop.daemon.folder / "blobs"
    (shop.nginx.www / "media").rmdir()
    (shop.nginx.www / "media").symlink_to(kept / "media")
    shown = ask(shop.nginx, address)
    assert (shown.status, shown.one("content-type")) == (200, "image/jpeg")
    assert shown.one("cache-control") == "public, max-age=31536000, immutable"
    assert_secure(shown)  # the daemon says other things of what may be done with it
    assert ask(shop.nginx, address, If_None_Match=shown.one("etag")).status == 304
    assert ask(shop.nginx, address.replace("mediasmall", "original")).status == 404
    modes = {path.stat().st_mode & 0o777 for path in kept.rglob("*") if "media" not in str(path.relative_to(kept))}
    assert modes <= {0o700, 0o600} and kept.stat().st_mode & 0o777 == 0o711


def test_media_that_are_in_s3_are_asked_of_the_daemon(front: Front, upstream: Upstream) -> None:
    """By the location that docs/operations.md has, in place of that of a folder."""
    nginx = front(upstream.port)
    documented = re.findall(r"```nginx\n(.*?)```", (FILES.parent / "docs" / "operations.md").read_text(), re.DOTALL)
    (location,) = [block for block in documented if "/media/" in block]
    conf = nginx.folder / "harvest.conf"
    text, count = re.subn(
        r"    location /media/ \{.*?\n    \}\n", lambda _: location, conf.read_text(), flags=re.DOTALL
    )
    assert count == 1
    conf.write_text(text)
    nginx.reload()
    assert ask(nginx, "/media/5e/a.mediasmall.webp").status == 200
    assert [one.path for one in upstream.asked] == ["/media/5e/a.mediasmall.webp"]


def test_bodies_up_to_10_mb_pass_and_larger_ones_are_413(front: Front, upstream: Upstream) -> None:
    nginx = front(upstream.port)
    assert ask(nginx, "/api/products", "POST", b"x" * 10 * 1024 * 1024).status == 200
    assert len(upstream.asked[0].body) == 10 * 1024 * 1024
    head = b"POST /api/products HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10485761\r\n\r\n"
    assert_problem(raw(nginx, head), 413, "too-large", "/api/products")
    assert len(upstream.asked) == 1


def raw(nginx: NginxServer, data: bytes) -> Answer:
    """What comes back for bytes that http.client would not send."""
    plain = socket.create_connection(("127.0.0.1", nginx.tls_port), timeout=10)
    with nginx.trust.wrap_socket(plain, server_hostname="localhost") as connection:
        connection.sendall(data)
        head, body = b"", b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        head, _, body = head.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = tuple((k.lower(), v) for k, _, v in (line.partition(": ") for line in lines[1:]))
        size = int(dict(headers)["content-length"])
        while len(body) < size:
            body += connection.recv(65536)
        return Answer(int(lines[0].split()[1]), headers, body)


@pytest.mark.parametrize(
    ("data", "status", "slug", "path"),
    [
        (b"GET /api/x HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"a" * 9000 + b"\r\n\r\n", 431, "headers-too-large", "/api/x"),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 431, "headers-too-large", "/"),
        (b"GET /api/x HTTP/1.1\r\nHost: localhost\r\nHost: other\r\n\r\n", 400, "malformed", "/api/x"),
        (b"GET /api/x HTTP/1.1\r\n\r\n", 400, "malformed", "/api/x"),
        (b"G\x00T / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "malformed", "/"),
        (
            b"POST /api/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400, "malformed", "/api/x",
        ),
    ],
)  # fmt: skip
def test_what_is_not_http_never_reaches_the_daemon(
    front: Front, upstream: Upstream, data: bytes, status: int, slug: str, path: str
) -> None:
    assert_problem(raw(front(upstream.port), data), status, slug, path)
    assert upstream.asked == []


def test_20_kb_of_headers_are_431_whoever_notices(shop: Shop) -> None:
    lines = b"".join(b"X-%d: %b\r\n" % (n, b"a" * 5000) for n in range(4))
    answer = raw(shop.nginx, b"GET /api/products HTTP/1.1\r\nHost: localhost\r\n" + lines + b"\r\n")
    assert answer.status == 431
    assert json.loads(answer.body)["type"] == "/problems/headers-too-large"


# --- limits ---


def test_the_api_takes_30_a_second_and_20_at_once_more(front: Front, upstream: Upstream) -> None:
    assert_limited(front(upstream.port, limits=True), "/api/products", rate=30, most=21)


def test_the_rest_takes_10_a_second_and_5_at_once_more(front: Front, upstream: Upstream) -> None:
    assert_limited(front(upstream.port, limits=True), "/docs", rate=10, most=6)


def assert_limited(nginx: NginxServer, path: str, rate: int, most: int) -> None:
    """``most`` at once, and then as many a second as ``rate`` says."""
    connection = nginx.connect()
    connection.connect()
    began = time.monotonic()
    answers = [ask(nginx, path, connection=connection) for _ in range(150)]
    trickled = rate * (time.monotonic() - began)
    connection.close()
    passed = [answer.status for answer in answers].count(200)
    assert most <= passed <= most + trickled + 1, f"{passed} passed"
    refused = next(answer for answer in answers if answer.status != 200)
    assert_problem(refused, 429, "too-many-requests", path)
    assert refused.one("retry-after") == "1"
    assert f";q={rate};w=1" in refused.one("ratelimit-policy") and ";r=0;t=1" in refused.one("ratelimit")


def test_whom_the_operator_names_is_not_limited(front: Front, upstream: Upstream) -> None:
    nginx = front(upstream.port)
    connection = nginx.connect()
    assert {ask(nginx, "/docs", connection=connection).status for _ in range(30)} == {200}
    connection.close()


# --- compression ---


@pytest.mark.parametrize("coding", ["br", "gzip"])
def test_answers_are_compressed_for_those_who_take_it(front: Front, upstream: Upstream, coding: str) -> None:
    nginx = front(upstream.port)
    answer = ask(nginx, "/api/products", Accept_Encoding=coding)
    assert answer.one("content-encoding") == coding
    assert len(answer.body) < len(BODY) / 5
    assert answer.all("vary") == ["Accept-Encoding"]
    plain = gzip.decompress(answer.body) if coding == "gzip" else by_curl(nginx)
    assert plain == BODY
    assert ask(nginx, "/api/products").body == BODY
    assert {asked.headers.get("accept-encoding", "") for asked in upstream.asked} == {coding, ""}


@pytest.mark.parametrize(
    ("taken", "told"),
    [
        ("gzip, deflate, br, zstd", "br"), ("gzip;q=1.0, *;q=0.5", "gzip"), ("br;q=0, gzip", "gzip"), ("br;q=0.1, gzip", "gzip"), ("gzip, br;q=0.5", "gzip"), ("gzip;q=0.5, br", "br"), ("xbr;q=0, gzip, br", "br"), ("gzip;q=0.0", ""), ("xbr, gzipped", ""),
        ("BR", "br"), ("identity", ""),
    ],
)  # fmt: skip
def test_the_daemon_is_told_of_one_coding_that_it_has(front: Front, upstream: Upstream, taken: str, told: str) -> None:
    ask(front(upstream.port), "/api/products", Accept_Encoding=taken)
    assert [asked.headers.get("accept-encoding", "") for asked in upstream.asked] == [told]


def by_curl(nginx: NginxServer) -> bytes:
    curl = [needed("curl", "curl"), "-sS", "--compressed", "-H", "Accept-Encoding: br", "--cacert", nginx.certificate]
    url = f"https://localhost:{nginx.tls_port}/api/products"
    return subprocess.run([*curl, url], capture_output=True, timeout=20, check=True).stdout


def test_answers_of_sign_in_are_not_compressed(front: Front, upstream: Upstream) -> None:
    answer = ask(front(upstream.port), "/api/auth/login", "POST", b"{}", Accept_Encoding="br, gzip")
    assert (answer.one("content-encoding"), answer.body) == ("", BODY)


def test_the_etag_of_a_compressed_answer_serves_if_match(front: Front, upstream: Upstream) -> None:
    """Compression makes it weak, which If-Match never matches; the daemon gets it as it gave it."""

    def versioned(asked: Asked, handler: Any) -> tuple[int, dict[str, str], bytes]:
        return 200, {"Content-Type": "application/json", "ETag": '"v7-abc"'}, BODY

    upstream.answer = versioned
    nginx = front(upstream.port)
    tag = ask(nginx, "/api/products/x", Accept_Encoding="br").one("etag")
    assert tag == 'W/"v7-abc"'
    for sent in (tag, '"v7-abc"', "*", 'W/"a", W/"b"'):
        ask(nginx, "/api/products/x", "PATCH", b"{}", If_Match=sent)
    assert [asked.headers["if-match"] for asked in upstream.asked[1:]] == ['"v7-abc"', '"v7-abc"', "*", 'W/"a", W/"b"']


# --- files ---


def test_built_files_are_immutable(front: Front, upstream: Upstream) -> None:
    nginx = front(upstream.port)
    (nginx.www / "static" / "app.3f2a.js").write_text("let a = 1\n" * 100)
    answer = ask(nginx, "/static/app.3f2a.js", Accept_Encoding="br")
    assert answer.status == 200
    assert answer.one("cache-control") == "public, max-age=31536000, immutable"
    assert answer.one("content-encoding") == "br"
    assert_secure(answer)
    assert ask(nginx, "/static/app.3f2a.js", If_None_Match=answer.one("etag")).status == 304
    assert_problem(ask(nginx, "/static/"), 404, "not-found", "/static/")  # no list of what is there
    assert_problem(ask(nginx, "/static/gone.js"), 404, "not-found", "/static/gone.js")
    assert_problem(ask(nginx, "/static/app.3f2a.js", "POST", b""), 405, "method-not-allowed", "/static/app.3f2a.js")
    assert upstream.asked == []


def test_media_are_pictures_and_nothing_that_runs(front: Front, upstream: Upstream) -> None:
    nginx = front(upstream.port)
    for name in ("carrot-300.webp", "page.html", "drawing.svg"):
        (nginx.www / "media" / name).write_text("<script>alert(1)</script>")
    picture = ask(nginx, "/media/carrot-300.webp")
    assert (picture.one("content-type"), picture.one("cache-control")) == (
        "image/webp", "public, max-age=31536000, immutable",
    )  # fmt: skip
    assert_secure(picture)
    for name in ("page.html", "drawing.svg"):
        assert ask(nginx, f"/media/{name}").one("content-type") == "application/octet-stream"
    assert upstream.asked == []

"""The cache of a second: the rush is taken from the daemon, and nobody ever gets what is somebody's own."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from servers import wait_until
from servers.nginx import NginxServer
from servers.pace import Pace
from tests.daemons import register, request
from tests.nginx.conftest import Answer, Shop, ask
from tests.nginx.upstream import PUBLIC, Asked, Upstream

Front = Callable[..., NginxServer]


def numbered(control: str = "public, no-cache", delay: float = 0.0, **more: str) -> Callable[..., Any]:
    """An upstream's answers that differ from each other."""
    numbers = itertools.count(1)

    def answer(asked: Asked, handler: Any) -> tuple[int, dict[str, str], bytes]:
        time.sleep(delay)
        headers = PUBLIC | {"Content-Type": "application/json", "Cache-Control": control} | more
        return 200, headers, f"answer {next(numbers)}".encode()

    return answer


def test_an_anonymous_listing_is_kept(front: Front, upstream: Upstream) -> None:
    upstream.answer = numbered(RateLimit='"read";r=599;t=1', X_Request_Id="of-the-first")
    nginx = front(upstream.port)
    first = ask(nginx, "/api/products?sort=price", X_Request_Id="first")
    second = ask(nginx, "/api/products?sort=price", X_Request_Id="second", Accept_Encoding="identity")
    assert [first.one("x-cache"), second.one("x-cache")] == ["MISS", "HIT"]
    assert first.body == second.body == b"answer 1"
    assert second.one("cache-control") == "public, no-cache", "browsers are told what the daemon says"
    assert second.one("x-request-id") == "second"
    assert first.one("ratelimit") == '"read";r=599;t=1'
    assert second.one("ratelimit") == "", "what is left to another"
    other = ask(nginx, "/api/products?sort=-price")
    assert other.body == b"answer 2", "the query is part of what is asked for"
    compressed = ask(nginx, "/api/products?sort=price", Accept_Encoding="br")
    assert compressed.body == b"answer 3", "and the coding that the daemon is asked for"


def test_what_was_kept_says_its_age_and_what_was_not_says_what_the_daemon_says(
    front: Front, upstream: Upstream
) -> None:
    """RFC 9111, 4 and 5.1."""
    for said, missed, kept in (({}, "", {"0", "1", "2"}), ({"Age": "9"}, "9", {"9", "10", "11"})):
        upstream.answer = numbered(**said)
        nginx = front(upstream.port)
        first, second = ask(nginx, "/api/products"), ask(nginx, "/api/products")
        assert [first.one("x-cache"), second.one("x-cache")] == ["MISS", "HIT"]
        assert first.one("age") == missed
        assert second.one("age") in kept


def test_without_its_module_nginx_works_and_says_no_age(front: Front, upstream: Upstream) -> None:
    upstream.answer = numbered()
    nginx = front(upstream.port)
    path = nginx.folder / "harvest.conf"
    line = next(line for line in path.read_text().splitlines() if "harvest-age.conf" in line)
    path.write_text(path.read_text().replace(line, ""))
    nginx.reload()
    first, second = ask(nginx, "/api/products"), ask(nginx, "/api/products")
    assert [first.one("x-cache"), second.one("x-cache")] == ["MISS", "HIT"]
    assert second.one("age") == "" and second.one("date")


def test_it_is_fresh_after_a_second_or_two(front: Front, upstream: Upstream) -> None:
    upstream.answer = numbered()
    nginx = front(upstream.port)
    pace = Pace()
    assert ask(nginx, "/api/products").body == b"answer 1"
    wait_until("the answer is a newer one", lambda: ask(nginx, "/api/products").body != b"answer 1", 5)
    assert pace.seconds() < 3
    assert len(upstream.asked) == 2


@pytest.mark.parametrize(
    "header",
    [
        {"Authorization": "Bearer x"},
        {"Cookie": "__Host-harvest_session=x"},
        {"Cookie": "a=b; harvest_session=x"},
        {"Cookie": "harvest_cart=x"},
        {"X_Cart_Token": "x"},
    ],
)
def test_who_says_who_asks_passes_it_by_and_leaves_nothing_in_it(
    front: Front, upstream: Upstream, header: dict[str, str]
) -> None:
    upstream.answer = numbered()
    nginx = front(upstream.port)
    assert ask(nginx, "/api/products", **header).body == b"answer 1", "asked first: not kept for others"
    assert ask(nginx, "/api/products").body == b"answer 2"
    theirs = ask(nginx, "/api/products", **header)
    assert (theirs.body, theirs.one("x-cache")) == (b"answer 3", "BYPASS"), "asked later: not what others got"
    assert ask(nginx, "/api/products", Cookie="theme=dark").body == b"answer 2", "other cookies say nothing"


@pytest.mark.parametrize(
    "control", ["private, no-store", "no-store", "private", "public, no-store", "max-age=60", 'public, private="x"']
)
def test_only_what_the_daemon_calls_public_is_kept(front: Front, upstream: Upstream, control: str) -> None:
    upstream.answer = numbered(control)
    nginx = front(upstream.port)
    assert [ask(nginx, "/api/x").body for _ in range(2)] == [b"answer 1", b"answer 2"]


def test_an_answer_that_sets_a_cookie_or_is_an_error_is_not_kept(front: Front, upstream: Upstream) -> None:
    upstream.answer = numbered(**{"Set-Cookie": "harvest_cart=x"})
    nginx = front(upstream.port)
    assert [ask(nginx, "/api/x").body for _ in range(2)] == [b"answer 1", b"answer 2"]
    upstream.answer = lambda asked, handler: (404, dict(PUBLIC), b"gone")
    assert [ask(nginx, "/api/y").one("x-cache") for _ in range(2)] == ["MISS", "MISS"]


def test_vary_keeps_forms_apart(front: Front, upstream: Upstream) -> None:
    upstream.answer = lambda asked, handler: (200, PUBLIC | {"Vary": "Accept"}, asked.headers["accept"].encode())
    nginx = front(upstream.port)
    forms = [ask(nginx, "/problems", Accept=form).body for form in ("text/html", "application/json", "text/html")]
    assert forms == [b"text/html", b"application/json", b"text/html"]


def test_who_wants_it_fresh_gets_it_fresh_and_others_too(front: Front, upstream: Upstream) -> None:
    upstream.answer = numbered()
    nginx = front(upstream.port)
    ask(nginx, "/api/products")
    fresh = ask(nginx, "/api/products", Cache_Control="no-cache")
    assert (fresh.body, fresh.one("x-cache")) == (b"answer 2", "BYPASS")
    assert ask(nginx, "/api/products").body == b"answer 2"


def together(nginx: NginxServer, path: str, number: int) -> list[Answer]:
    """The answers of so many clients who ask at the same moment."""
    answers: list[Answer] = []
    barrier = threading.Barrier(number)

    def client() -> None:
        connection = nginx.connect()
        connection.connect()
        barrier.wait(20)
        answers.append(ask(nginx, path, connection=connection))
        connection.close()

    threads = [threading.Thread(target=client, daemon=True) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return answers


def test_fifty_at_once_are_one_request_to_the_daemon(front: Front, upstream: Upstream) -> None:
    upstream.answer = numbered(delay=0.15)
    nginx = front(upstream.port)
    answers = together(nginx, "/api/products", 50)
    assert len(upstream.asked) == 1
    assert [answer.body for answer in answers] == [b"answer 1"] * 50


def test_what_was_there_is_given_while_one_fetches_anew(front: Front, upstream: Upstream) -> None:
    upstream.answer = numbered()
    nginx = front(upstream.port)
    ask(nginx, "/api/products")
    upstream.answer = numbered(delay=1.0)

    def ask_until_it_is_old() -> None:
        while len(upstream.asked) < 2:
            ask(nginx, "/api/products")

    slow = threading.Thread(target=ask_until_it_is_old, daemon=True)
    slow.start()
    wait_until("one fetches", lambda: len(upstream.asked) == 2, 5)
    pace = Pace()
    meanwhile = ask(nginx, "/api/products")
    assert (meanwhile.body, meanwhile.one("x-cache")) == (b"answer 1", "UPDATING")
    assert pace.seconds() < 0.8
    slow.join(10)


def test_a_listing_outlives_the_daemon_for_a_moment(front: Front, upstream: Upstream) -> None:
    upstream.answer = numbered()
    nginx = front(upstream.port)
    ask(nginx, "/api/products")
    upstream.answer = lambda asked, handler: (503, {}, b"")
    wait_until("it is old", lambda: ask(nginx, "/api/products").one("x-cache") == "STALE", 5)
    assert ask(nginx, "/api/products").body == b"answer 1"
    assert ask(nginx, "/api/other").status == 503


# --- with a real daemon ---


def test_listings_are_kept_and_what_is_somebodys_own_is_not(shop: Shop) -> None:
    ada, user = register(shop.daemon.port, "cache-ada")
    bob, _ = register(shop.daemon.port, "cache-bob")
    assert {ask(shop.nginx, "/api/products").status for _ in range(3)} == {200}
    assert ask(shop.nginx, "/api/products").one("x-cache") == "HIT"
    own = ask(shop.nginx, "/api/users/me", Authorization=f"Bearer {ada}")
    assert user["email"].encode() in own.body
    assert user["email"].encode() not in ask(shop.nginx, "/api/users/me", Authorization=f"Bearer {bob}").body
    assert ask(shop.nginx, "/api/users/me").status == 401
    carts = [ask(shop.nginx, "/api/cart") for _ in range(2)]
    assert all(cart.one("x-cache") == "MISS" for cart in carts)


def test_a_farmers_own_view_of_a_product_is_not_what_others_get(shop: Shop) -> None:
    farmer, _ = register(shop.daemon.port, "cache-farmer", "farmer", "Cache Farm")
    sign = {"Authorization": f"Bearer {farmer}"}
    body = {"title": "Secret beets", "unit": "kg", "price": 300, "stock": "5", "status": "draft"}
    status, product, _ = request(shop.daemon.port, "POST", "/api/products", body, sign)
    assert status == 201
    path = f"/api/products/{product['id']}"
    assert ask(shop.nginx, path, **sign).status == 200
    assert ask(shop.nginx, path).status == 404
    assert ask(shop.nginx, path, **sign).status == 200

"""One structured line for each request, whatever became of it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher

from harvestd import tables
from harvestd.process.logs import LineObserver, entries
from harvestd.settings.table import Settings
from harvestd.web.http.access_log import BATCH, Access
from harvestd.web.http.request_path import SECRET
from harvestd.web.server import make_site
from tests.web.client import Client, encode
from tests.web.conftest import make_parts, token_for
from tests.web.dummies import ROUTES, seen

Lines = Callable[[Client], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What a client's site has noted, as machines read it."""
    logged: list[dict[str, Any]] = []

    def observe(event: dict[str, Any]) -> None:
        logged.extend(entries(event) if event.get("log_namespace") == "harvestd.web.http.access_log" else ())

    globalLogPublisher.addObserver(observe)

    def noted(client: Client) -> list[dict[str, Any]]:
        client.site.access.flush()
        return logged

    yield noted
    globalLogPublisher.removeObserver(observe)


async def test_an_answer_is_one_line_with_all_that_one_asks_for(client: Client, lines: Lines) -> None:
    """And without the query, in which people put secrets."""
    anna = client.signed_in(token_for("anna"))
    response = await anna.get("/api/list?after=secret", headers={"X-Request-Id": "r1"}, host="192.0.2.1")
    (line,) = lines(client)
    assert {name: line[name] for name in ("method", "path", "route", "status", "request_id", "user_id", "address")} == {
        "method": "GET", "path": "/api/list", "route": "get_api_list", "status": 200, "request_id": "r1",
        "user_id": "anna", "address": "192.0.2.1",
    }  # fmt: skip
    assert line["bytes"] == len(response.body)
    assert line["ms"] >= 0
    assert "secret" not in line["message"]
    assert line["message"].startswith(f"GET /api/list 200 {len(response.body)} B ")


async def test_a_refusal_names_its_problem(client: Client, lines: Lines) -> None:
    await client.get("/api/nothing-left")
    await client.get("/api/nowhere")
    assert [(line["route"], line["status"], line["problem"]) for line in lines(client)] == [
        ("get_api_nothing_left", 409, "out-of-stock"),
        ("unmatched", 404, "not-found"),
    ]


async def test_what_never_became_a_request_is_logged_and_counted_too(web_settings: Settings, lines: Lines) -> None:
    parts = make_parts(web_settings, None)
    client = Client(make_site(parts, ROUTES))
    wire = client.connect("192.0.2.1")
    wire.send(b"GET / HTTP/1.1\r\n\r\n")
    response = await wire.receive()
    (line,) = lines(client)
    assert (line["status"], line["problem"], line["address"]) == (400, "malformed", "192.0.2.1")
    assert line["request_id"] == response.headers["x-request-id"]
    assert parts.metrics.value("harvest_http_refused_total", why="malformed") == 1


async def test_a_refusal_of_what_a_proxy_passed_on_names_the_client(web_settings: Settings, lines: Lines) -> None:
    settings = attrs.evolve(web_settings, trusted_proxies=("192.0.2.1/32",))
    client = Client(make_site(make_parts(settings, None), ROUTES))
    for peer, named in (("192.0.2.1", "203.0.113.9"), ("192.0.2.2", "192.0.2.2")):
        wire = client.connect(peer)
        wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\nContent-Length: 99999999\r\n\r\n")
        assert (await wire.receive()).status == 413
        assert lines(client)[-1]["address"] == named


async def test_a_client_that_hung_up_is_logged_as_499(client: Client, lines: Lines) -> None:
    seen.waiting = waiting = Deferred()
    wire = client.connect()
    wire.send(encode("GET", "/api/wait"))
    wire.hang_up()
    waiting.callback(None)
    assert [(line["route"], line["status"]) for line in lines(client)] == [("get_api_wait", 499)]
    assert not wire.transport.written


async def test_line_breaks_cannot_be_put_into_the_log(client: Client, lines: Lines) -> None:
    await client.get("/api/x%0aGET%20/api/forged%20200")
    assert "\n" not in lines(client)[0]["message"]


async def test_methods_and_paths_that_somebody_invents_make_no_new_metrics(web_settings: Settings) -> None:
    parts = make_parts(web_settings, None)
    client = Client(make_site(parts, ROUTES))
    for number in range(20):
        await client.request(f"METHOD{number}", f"/path{number}")
    assert parts.metrics.value("harvest_http_requests_total", method="OTHER", route="unmatched", status="404") == 20


async def test_many_requests_are_one_event_and_as_many_lines(web_settings: Settings) -> None:
    client = Client(make_site(make_parts(web_settings, None, Clock()), ROUTES))  # half a second never passes
    stream = io.StringIO()
    observer = LineObserver(stream, "json")
    globalLogPublisher.addObserver(observer)
    try:
        for number in range(BATCH):
            assert not stream.getvalue(), "nothing is written for each request"
            await client.get("/api/list", headers={"X-Request-Id": f"r{number}"})
    finally:
        globalLogPublisher.removeObserver(observer)
    written = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["request_id"] for line in written] == [f"r{number}" for number in range(BATCH)]
    assert {line["logger"] for line in written} == {"harvestd.web.http.access_log"}
    assert [line["time"] for line in written] == sorted(line["time"] for line in written)


async def test_what_was_asked_is_written_within_half_a_second_and_at_the_end(web_settings: Settings) -> None:
    clock = Clock()
    parts = make_parts(web_settings, None, clock)
    client = Client(make_site(parts, ROUTES))
    client.site.startFactory()
    stream = io.StringIO()
    observer = LineObserver(stream)
    globalLogPublisher.addObserver(observer)
    try:
        await client.get("/api/list")
        clock.advance(0.5)
        assert "GET /api/list 200" in stream.getvalue()
        await client.get("/api/list?limit=1")
        client.site.finish()
        assert stream.getvalue().count("GET /api/list 200") == 2
    finally:
        globalLogPublisher.removeObserver(observer)


async def test_what_a_client_wrote_is_noted_up_to_a_bound() -> None:
    path = "/" + "a" * 15_000
    made = Access("GET", path, "unmatched", 404, 1, 0.1, "r-1", "", "192.0.2.1")
    refused = Access("", "", "", 400, 0, 0.0, "r-1", "", "192.0.2.1", "malformed", "x" * 15_000)
    for line in (made.message(), refused.message(), str(made.fields())):
        assert len(line) < 1_000


async def test_a_line_for_people_says_who(client: Client) -> None:
    made = Access("GET", "/api/orders", "get_api_orders", 200, 1, 0.1, "r-1", "u-7", "192.0.2.1")
    assert "192.0.2.1" in made.message() and "u-7" in made.message()


@pytest.mark.parametrize(
    "path", ["/api/invitations/s3cret/accept", "/api/invitations/s3cret", "/api/invitations/%733cret/Accept/", "/api/Invitations/s3cret/accept",
             "/api/%69nvitations/s3cret/accept", "/api/invitations/x/../s3cret"],
)  # fmt: skip
async def test_what_may_be_a_secret_in_a_path_is_not_logged_whether_it_is_a_route_s_or_not(
    client: Client, lines: Lines, path: str
) -> None:
    await client.post(path, None)
    (line,) = lines(client)
    assert line["path"] == "/api/invitations/…" and "cret" not in line["message"]


def test_every_route_with_a_secret_in_its_path_is_one_of_these() -> None:
    secret = [route.path for route in tables.ROUTES if "{token}" in route.path]
    assert secret and all(path.lower().startswith(SECRET) for path in secret)

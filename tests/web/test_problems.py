"""Refusals: one table, problem details, and nothing of the inside shown."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

from harvestd.market import errors
from harvestd.market.errors import MarketError, Unavailable
from harvestd.web.problems import BY_SLUG, PROBLEMS, problem_of
from tests.web.client import Client
from tests.web.dummies import ROUTES

#: The contract's statuses.
STATUS = {
    errors.Unauthenticated: 401, errors.Forbidden: 403, errors.NotFound: 404, errors.Conflict: 409, errors.AlreadyTaken: 409,
    errors.IllegalTransition: 409, errors.OutOfStock: 409, errors.PriceChanged: 409, errors.KeyInFlight: 409, errors.Stale: 412,
    errors.Invalid: 422, errors.KeyReused: 422, errors.TooMany: 429, errors.Unavailable: 503,
}  # fmt: skip


def test_every_error_of_the_market_has_its_status() -> None:
    kinds = {
        kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, (MarketError, Unavailable))
    }
    for kind in kinds - {MarketError}:
        assert problem_of(kind("why")).status == STATUS[kind]
    assert problem_of(ValueError()).status == 500


def test_a_child_of_an_error_is_answered_as_its_parent() -> None:
    class TooFar(errors.Conflict):
        pass

    assert problem_of(TooFar()).slug == "conflict"


def test_every_problem_has_its_own_slug_a_cause_and_a_cure() -> None:
    assert len(BY_SLUG) == len(PROBLEMS)
    for problem in PROBLEMS:
        assert problem.title and problem.cause.endswith(".") and problem.cure.endswith((".", ">."))


async def test_problem_details_have_all_their_members(client: Client) -> None:
    response = await client.get("/api/nothing-left", headers={"X-Request-Id": "abc-123"})
    assert response.status == 409
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-request-id"] == "abc-123"
    assert response.json() == {
        "type": "/problems/out-of-stock",
        "title": "Out of stock",
        "status": 409,
        "detail": "1 line",
        "instance": "/api/nothing-left",
        "request_id": "abc-123",
        "errors": [{"field": "lines[0].quantity", "message": "1.250 left", "available": "1.250"}],
    }


async def test_an_unexpected_error_shows_its_id_and_nothing_else(
    client: Client, expected_errors: Callable[..., list[str]]
) -> None:
    """The traceback is in the log, under that id."""
    response = await client.get("/api/crash")
    assert response.status == 500
    assert "hunter2" not in response.text and "Traceback" not in response.text and "RuntimeError" not in response.text
    (logged,) = expected_errors(RuntimeError)
    assert "hunter2" in logged and response.json()["request_id"] in logged


async def test_unavailable_is_503_with_retry_after(client: Client) -> None:
    response = await client.get("/api/away")
    assert (response.status, response.headers["retry-after"]) == (503, "3")
    assert response.headers["cache-control"] == "no-store"


async def test_an_unknown_path_is_404_and_a_wrong_method_405_with_allow(client: Client) -> None:
    assert (await client.get("/api/nowhere")).json()["type"] == "/problems/not-found"
    response = await client.request("PUT", "/api/things/1")
    assert (response.status, response.headers["allow"]) == (405, "DELETE, GET, HEAD, OPTIONS, PATCH")
    assert response.json()["type"] == "/problems/method-not-allowed"
    assert (await client.request("BREW", "/api/list")).status == 405


async def test_options_tells_the_methods(client: Client) -> None:
    response = await client.request("OPTIONS", "/api/things/1")
    assert (response.status, response.headers["allow"]) == (204, "DELETE, GET, HEAD, OPTIONS, PATCH")
    assert (await client.request("OPTIONS", "*")).status == 204
    assert (await client.request("OPTIONS", "/api/nowhere")).status == 404


@pytest.mark.logs_errors
@pytest.mark.parametrize(
    "path", ["/api/list", "/api/nowhere", "/api/crash", "/api/things/%ff", "/health", "/docs", "/api/cached"]
)
async def test_every_answer_has_its_id_and_the_security_headers(client: Client, path: str) -> None:
    response = await client.get(path)
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
    assert response.headers["server"] == "harvestd"
    assert len(response.headers["x-request-id"]) == 36
    assert len([name for name, _ in response.all]) == len({name for name, _ in response.all}), "a header is there twice"


@pytest.mark.logs_errors
async def test_twisteds_own_pages_are_never_seen(client: Client) -> None:
    for method in ("GET", "POST", "PUT", "TRACE", "FOO"):
        for path in ("/", "/x", "/api/list", "/api/crash"):
            response = await client.request(method, path)
            assert b"<html>" not in response.body and b"twisted" not in response.body.lower()


@pytest.mark.logs_errors
async def test_every_route_answers_something_of_its_own_kind(client: Client) -> None:
    """No endpoint was overwritten by another of the same name."""
    paths = {
        route.path for route in ROUTES if route.method == "GET" and "{" not in route.path and route.path != "/api/wait"
    }
    for path in paths:
        assert (await client.get(path)).status != 404, path

"""Refusals: one table, problem details, and nothing of the inside shown."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
import pytest
from twisted.logger import formatEvent, globalLogPublisher

from harvestd.kernel import errors
from harvestd.kernel.codes import CODES
from harvestd.kernel.errors import MarketError, Overloaded, Unavailable
from harvestd.kernel.languages import sentence
from harvestd.kernel.tags import ENGLISH, LANGUAGES
from harvestd.store.postgres.transactions import CommitUncertain
from harvestd.web.problem_details import document
from harvestd.web.problems import BY_SLUG, PROBLEMS, Problem, problem_of
from harvestd.web.validation import convert
from tests.web.client import Client, says_more
from tests.web.dummies import ROUTES

#: The contract's statuses.
STATUS = {
    errors.Unauthenticated: 401, errors.WrongCredentials: 401, errors.WrongPasskey: 401, errors.Forbidden: 403, errors.NoFarm: 403, errors.NotConfirmed: 403, errors.SecondFactorRequired: 403, errors.Deactivated: 403, errors.ClosedByStaff: 403, errors.SecondFactorNeeded: 401, errors.WrongSecondFactor: 401, errors.SignInUnknown: 400, errors.IdentityRefused: 403, errors.LinkNeeded: 409, errors.NotFound: 404, errors.Conflict: 409, errors.AlreadyTaken: 409,
    errors.IllegalTransition: 409, errors.OutOfStock: 409, errors.PriceChanged: 409, errors.KeyInFlight: 409, errors.Stale: 412,
    errors.WrongKind: 415, errors.Invalid: 422, errors.KeyReused: 422, errors.TooMany: 429, errors.Unavailable: 503,
    errors.Overloaded: 503, errors.MarketClosed: 409, errors.WindowFull: 409,
}  # fmt: skip


def test_every_error_of_the_market_has_its_status() -> None:
    kinds = {
        kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, (MarketError, Unavailable))
    }
    for kind in kinds - {MarketError}:
        assert problem_of(kind("why")).status == STATUS[kind]
    assert problem_of(ValueError()).status == 500


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_error_that_says_nothing_is_told_by_its_problem_s_cause_in_each_language(language: str) -> None:
    """Never by what is written of its class, which is for developers."""
    for kind in STATUS.keys() - {errors.Unavailable, errors.Overloaded}:
        problem = problem_of(kind())
        detail = json.loads(document(problem, kind(), "/api", "id", language))["detail"]
        assert detail == sentence(problem.cause, language), kind
        assert "`" not in detail and (language == ENGLISH or detail != problem.cause)


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
        "errors": [
            {
                "field": "lines[0].quantity",
                "code": "out-of-stock",
                "message": "1.250 left",
                "params": {"available": "1.250", "unit": "kg"},
                "available": "1.250",
            }
        ],
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


async def test_a_problem_that_cannot_be_told_is_a_plain_500_and_nobody_waits_for_ever(
    client: Client, expected_errors: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(code: str, *_: Any) -> str:
        raise ArithmeticError(f"no words for {code}")

    monkeypatch.setattr("harvestd.kernel.languages.message", broken)
    response = await client.get("/api/nothing-left")
    assert response.status == 500 and response.json()["type"] == "/problems/internal"
    (logged,) = expected_errors(ArithmeticError)
    assert "no words for out-of-stock" in logged and response.json()["request_id"] in logged


async def test_unavailable_is_503_with_retry_after(client: Client) -> None:
    response = await client.get("/api/away")
    assert (response.status, response.headers["retry-after"]) == (503, "3")
    assert response.headers["cache-control"] == "no-store"


def _kinds(of: type[Exception]) -> Iterator[type[Exception]]:
    yield of
    for kind in of.__subclasses__():
        yield from _kinds(kind)


@pytest.mark.parametrize(
    "kind", [*(k for k in _kinds(Unavailable) if k is not Overloaded), OSError, RuntimeError, ValueError, TimeoutError]
)
def test_nothing_that_a_server_or_the_system_said_is_in_an_answer(kind: type[Exception]) -> None:
    """Of whatever kind: addresses, files and statements are for the log. (What is said of an overload is our own words.)"""
    inside = 'connection to server at "10.1.2.3" failed: could not open file "base/16384/2619"'
    error = kind(inside)
    told = document(problem_of(error), error, "/api/products", "abc").decode()
    assert "10.1.2.3" not in told and "base/16384" not in told
    assert json.loads(told)["detail"].removesuffix(".") == (
        getattr(kind, "shown", "") or problem_of(error).cause
    ).removesuffix(".")


async def test_the_cause_of_a_503_is_in_the_log_under_the_requests_id(client: Client) -> None:
    events: list[Any] = []
    globalLogPublisher.addObserver(events.append)
    try:
        response = await client.get("/api/away", headers={"X-Request-Id": "abc-123"})
    finally:
        globalLogPublisher.removeObserver(events.append)
    assert "PostgreSQL" not in response.text
    logged = [event for event in events if event.get("request_id") == "abc-123"]
    assert "PostgreSQL is out of reach" in [formatEvent(event) for event in logged]


def test_an_uncertain_commit_says_that_it_is_one_and_not_why() -> None:
    error = CommitUncertain("server closed the connection")
    told = json.loads(document(problem_of(error), error, "/api/orders", "abc"))
    assert told["type"] == "/problems/unavailable"
    assert "Whether the change was kept is not known" in told["detail"]


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
    for path in paths - {"/.well-known/security.txt"}:  # which has nothing to say unless it is set
        answer = await client.get(path)
        assert answer.status != 404, path
        kind = answer.headers.get("content-type", "")
        assert not kind.startswith("text/") or kind.endswith("; charset=utf-8"), (path, kind)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.slug)
def test_a_title_can_be_shown_in_a_shop(problem: Problem) -> None:
    """It is a few plain words, and has none that only programmers know."""
    known_to_us = r"HTTP|JSON|header|body|method|address here|media type|Idempotency|If-Match|token|role\b|state\b|acceptable|server"
    assert not re.search(known_to_us, problem.title, re.IGNORECASE) and len(problem.title) <= 60
    assert problem.title[0].isupper() and problem.title[-1] not in ".!"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [ValueError, *STATUS], ids=lambda kind: kind.__name__)
def test_a_detail_says_more_than_the_title_whatever_it_was_raised_with(kind: type[Exception], language: str) -> None:
    """(Of what is answered to any request of a test, ``tests/web/client.py`` and ``tests/hostile`` look at this, too.)"""
    for error in (kind(""), kind() if issubclass(kind, MarketError) else kind("why")):
        assert says_more(json.loads(document(problem_of(error), error, "/", "abc", language)))


@pytest.mark.parametrize(("language", "between"), [("en", ": "), ("de", ": "), ("fr", "\u00a0: "), ("es", ": ")])
def test_a_fault_stands_after_its_field_as_the_language_writes_that(language: str, between: str) -> None:
    error = errors.Invalid.of("{text}", "is needed", "required")
    told = json.loads(document(problem_of(error), error, "/", "abc", language))
    assert told["detail"] == f"{{text}}{between}{told['errors'][0]['message']}"


def test_no_two_problems_have_one_title() -> None:
    assert len({problem.title for problem in PROBLEMS}) == len(PROBLEMS)


class Line(msgspec.Struct, forbid_unknown_fields=True):
    many: Annotated[int, msgspec.Meta(ge=1, le=9)] | None = None
    text: Annotated[str, msgspec.Meta(min_length=2, max_length=3)] | None = None
    some: Annotated[list[int], msgspec.Meta(max_length=1)] | None = None
    yes: bool = False
    kind: Literal["a", "b"] | None = None
    day: date | None = None
    either: int | str | None = None
    within: Line | None = None
    weight: Decimal = Decimal(1)


@pytest.mark.parametrize(
    ("sent", "code", "params"),
    [
        ({"many": 0}, "below-minimum", {"minimum": "1"}), ({"many": 10}, "above-maximum", {"maximum": "9"}),
        ({"many": "1"}, "wrong-type", {"expected": "integer"}), ({"weight": None}, "wrong-type", {"expected": "number"}), ({"text": "a"}, "too-short", {"minimum": "2"}),
        ({"text": "abcd"}, "too-long", {"maximum": "3"}), ({"text": 5}, "wrong-type", {"expected": "string"}),
        ({"some": [1, 2]}, "too-long", {"maximum": "1", "reason": "elements"}), ({"some": {}}, "wrong-type", {"expected": "array"}),
        ({"yes": "true"}, "wrong-type", {"expected": "boolean"}), ({"yes": None}, "wrong-type", {"expected": "boolean"}),
        ({"kind": "c"}, "not-one-of", {"allowed": "a, b"}), ({"day": "x"}, "not-a-date", {"example": "2026-05-01"}),
        ({"day": 5}, "wrong-type", {"expected": "string"}), ({"either": []}, "wrong-type", {"expected": "integer, string"}),
        ({"within": 5}, "wrong-type", {"expected": "object"}), ({"more": 1}, "not-accepted", {"possible": "many, text, some, yes, kind, day, either, within, weight"}),
        ({"weight": "x"}, "not-a-number", {"example": "1.25"}), ({"many": Decimal("1.5")}, "not-a-number", {}), ({"texts": 1}, "not-accepted", {"meant": "text"}),
    ],
    ids=str,
)  # fmt: skip
def test_what_does_not_fit_its_type_has_a_code_and_what_would_fit(sent: Any, code: str, params: dict[str, str]) -> None:
    with pytest.raises(errors.Invalid) as refused:
        convert(sent, Line)
    (error,) = refused.value.errors
    assert (error.code, dict(error.params)) == (code, params)
    assert set(CODES[code].params) <= set(params) <= {*CODES[code].params, *CODES[code].more}

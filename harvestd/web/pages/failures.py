"""The error responses of each operation in the document: one for each status and set of problems, shared by reference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from harvestd.web import bodiless
from harvestd.web.pages.schemas import REF
from harvestd.web.problem_details import MEDIA_TYPE
from harvestd.web.problems import BY_SLUG, PROBLEMS, Problem
from harvestd.web.routes import Mode, Route

_HEADERS = {401: ["WWW-Authenticate"], 429: ["Retry-After"], 503: ["Retry-After"]}


def of(route: Route) -> dict[str, Any]:
    """References by status."""
    return {
        str(status): {"$ref": f"#/components/responses/{_name(problems)}"}
        for status, problems in _grouped(route).items()
    }


def shared(routes: Sequence[Route]) -> dict[str, Any]:
    """The responses that the routes' error responses refer to, by name."""
    groups = {_name(problems): problems for route in routes for problems in _grouped(route).values()}
    return {name: _response(problems) for name, problems in sorted(groups.items())}


def headers(names: Iterable[str]) -> dict[str, Any]:
    """References to the headers of these names."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _grouped(route: Route) -> dict[int, tuple[Problem, ...]]:
    slugs = _slugs(route)
    found: dict[int, tuple[Problem, ...]] = {}
    for problem in PROBLEMS:
        if problem.slug in slugs:
            found[problem.status] = (*found.get(problem.status, ()), problem)
    return found


def _name(problems: tuple[Problem, ...]) -> str:
    return "Or".join("".join(word.capitalize() for word in problem.slug.split("-")) for problem in problems)


def _response(problems: tuple[Problem, ...]) -> dict[str, Any]:
    status = problems[0].status
    return {
        "description": "; ".join(f"[{problem.title}]({problem.type})" for problem in problems),
        "headers": headers(["X-Request-Id", "Cache-Control", "Content-Language", "Vary", *_HEADERS.get(status, [])]),
        "content": {MEDIA_TYPE: {"schema": {"$ref": REF.format(name="Problem")}, "example": _example(problems[-1])}},
    }


def _slugs(route: Route) -> set[str]:
    """Every problem that the gate or the route's own errors can cause."""
    found = {"internal", "malformed", "headers-too-large", "timeout"}  # the last three from the connection itself
    found |= {problem.slug for problem in PROBLEMS for error in route.errors if error in problem.raised}
    conditions: Iterable[tuple[bool, Iterable[str]]] = (
        (route.credentials, ("unauthenticated",)),
        (route.permission is not None, ("forbidden",)),
        (route.permission is not None and not route.without_factor, ("second-factor-required",)),
        (route.credentials and route.method != "GET", ("csrf",)),
        ("{" in route.path, ("not-found",)),
        (route.strict or "{" in route.path, ("invalid",)),
        (route.body is not None or route.method not in bodiless.IGNORED, ("invalid", "media-type", "too-large")),
        (route.key == "required", ("idempotency-key",)),
        (route.key != "no", ("key-in-flight", "key-reused")),
        (route.if_match, ("if-match", "stale")),
        (route.may_match, ("stale",)),
        (route.limit != "none", ("too-many-requests",)),
        (route.operator, ("unauthenticated", "forbidden")),
        (route.mode is not Mode.OWN or bool(route.body), ("unavailable",)),
    )
    return found.union(*(slugs for holds, slugs in conditions if holds))


def _example(problem: Problem) -> dict[str, Any]:
    example: dict[str, Any] = {
        "type": problem.type, "title": problem.title, "status": problem.status, "detail": problem.cause,
        "instance": "/api/orders", "request_id": "0197f0a0-7c1e-7abc-8def-0123456789ab",
    }  # fmt: skip
    if problem.slug == "invalid":
        wrong = {"field": "lines[0].quantity", "code": "below-minimum", "message": "must be at least 0.5 kg"}
        example["errors"] = [{**wrong, "params": {"minimum": "0.500", "unit": "kg"}}]
    if problem is BY_SLUG["second-factor"]:
        example |= {"challenge": "…", "factors": ["totp", "passkey", "recovery_code"]}
    if problem is BY_SLUG["out-of-stock"]:
        left = {"field": "lines[0].quantity", "code": "out-of-stock", "message": "only 1.25 kg are left"}
        example["errors"] = [{**left, "params": {"available": "1.250", "unit": "kg"}, "available": "1.250"}]
    return example

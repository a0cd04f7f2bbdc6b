"""The OpenAPI 3.1 document, made from the route table and the types that serve the requests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from harvestd import __version__
from harvestd.web.problems import BY_SLUG, MEDIA_TYPE, PROBLEMS, Problem
from harvestd.web.routes import Mode, Route, may_be_empty

_REF = "#/components/schemas/{name}"
_HEADERS = {
    "ETag": "Names this version of the answer; send it as If-None-Match, or as If-Match to change it.",
    "Link": 'RFC 8288: the next page, rel="next".',
    "Location": "Where the new thing is.",
    "RateLimit": "What is left of the limit, and the seconds until all of it is there again.",
    "RateLimit-Policy": "The limit: q requests in w seconds.",
    "Idempotent-Replayed": "true when this is the answer that the key got before.",
    "X-Request-Id": "Names this request in the logs.",
    "Retry-After": "Seconds to wait.",
    "WWW-Authenticate": "What is wrong with the credentials.",
    "Allow": "The methods of this address.",
}


def document(routes: Sequence[Route], title: str) -> dict[str, Any]:
    """The whole document, as JSON values."""
    types = {kind for route in routes for kind in (route.body, route.query, route.answer) if kind is not None}
    ordered = sorted(types, key=str)
    refs, schemas = msgspec.json.schema_components(ordered, ref_template=_REF)
    by_type = dict(zip(ordered, refs, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, by_type, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": __version__, "description": _DESCRIPTION, "license": {"name": "MIT", "identifier": "MIT"}},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
        "paths": paths,
        "components": {
            "schemas": {**_widened(schemas), "Problem": _PROBLEM, "FieldError": _FIELD_ERROR},
            "headers": {name: {"description": text, "schema": {"type": "string"}} for name, text in _HEADERS.items()},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                           "description": "The access_token of POST /api/auth/login, /register or /refresh."}
            },
        },
    }  # fmt: skip


def _operation(route: Route, by_type: dict[Any, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    parameters = [*_path_parameters(route), *_query_parameters(route, by_type, schemas), *_header_parameters(route)]
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.tag],
        "description": _who(route),
        "security": _security(route),
    }
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        required = not may_be_empty(route.body)
        operation["requestBody"] = {
            "required": required,
            "content": {"application/json": {"schema": by_type[route.body]}},
        }
    operation["responses"] = {**_success(route, by_type), **_failures(route)}
    return operation


def _who(route: Route) -> str:
    roles = ", ".join(sorted(route.who))
    return f"For {roles}." if "anyone" not in route.who else "For anyone."


def _security(route: Route) -> list[dict[str, list[str]]]:
    if "anyone" not in route.who:
        return [{"bearer": []}]
    shared = route.cached is not None and route.cached.signed_in == "shared"
    return [{}, {"bearer": []}] if route.credentials and not shared else []


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    names = re.findall(r"\{([a-z_]+)\}", route.path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(route: Route, by_type: dict[Any, Any], schemas: dict[str, Any]) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = schemas[by_type[route.query]["$ref"].rpartition("/")[2]]
    required = set(schema.get("required", ()))
    found = []
    for name, kind in _widened(schema["properties"]).items():
        parameter = {"name": name, "in": "query", "required": name in required, "schema": kind}
        if "description" in kind:
            parameter["description"] = kind["description"]
        found.append(parameter)
    return found


def _header_parameters(route: Route) -> list[dict[str, Any]]:
    found = []
    if route.key != "no":
        text = "1 to 255 visible characters, fresh for each new intent; the same for each retry of it."
        key = {"name": "Idempotency-Key", "in": "header", "required": route.key == "required", "description": text}
        found.append({**key, "schema": {"type": "string", "minLength": 1, "maxLength": 257}})
    if route.if_match:
        text = "The ETag of the version that this change starts from."
        found.append(
            {"name": "If-Match", "in": "header", "required": True, "description": text, "schema": {"type": "string"}}
        )
    return found


def _success(route: Route, by_type: dict[Any, Any]) -> dict[str, Any]:
    names = ["X-Request-Id"]
    if route.method == "GET" or route.if_match:
        names.append("ETag")
    if route.limit != "none":
        names += ["RateLimit", "RateLimit-Policy"]
    if route.key != "no":
        names.append("Idempotent-Replayed")
    if route.status == 201:
        names.append("Location")
    empty = route.answer is None and route.media_type == "application/json"
    status = 204 if empty and route.status == 200 else route.status
    response: dict[str, Any] = {"description": route.summary, "headers": _headers(names)}
    if not empty:
        schema = {"type": "string"} if route.answer is None else by_type[route.answer]
        response["content"] = {route.media_type: {"schema": schema}}
    responses = {str(status): response}
    if route.cached is not None:
        responses["304"] = {"description": "The client's copy is the present one.", "headers": _headers(["ETag"])}
    return responses


def _failures(route: Route) -> dict[str, Any]:
    by_status: dict[int, list[Problem]] = {}
    for problem in PROBLEMS:
        if problem.slug in _slugs(route):
            by_status.setdefault(problem.status, []).append(problem)
    return {str(status): _failure(status, problems) for status, problems in by_status.items()}


def _failure(status: int, problems: list[Problem]) -> dict[str, Any]:
    names = {401: ["WWW-Authenticate"], 429: ["Retry-After"], 503: ["Retry-After"]}.get(status, [])
    examples = {problem.slug: {"value": _example(problem)} for problem in problems}
    return {
        "description": "; ".join(f"[{problem.title}]({problem.type})" for problem in problems),
        "headers": _headers(["X-Request-Id", *names]),
        "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(name="Problem")}, "examples": examples}},
    }


def _slugs(route: Route) -> set[str]:
    """Every problem that the gate or the route's own errors can answer with."""
    found = {"internal", "malformed"}
    found |= {problem.slug for problem in PROBLEMS for error in route.errors if error in problem.raised}
    conditions: Iterable[tuple[bool, Iterable[str]]] = (
        (route.credentials, ("unauthenticated",)),
        ("anyone" not in route.who, ("forbidden",)),
        ("{" in route.path, ("not-found",)),
        (route.query is not None, ("invalid",)),
        (route.body is not None, ("invalid", "media-type", "too-large")),
        (route.key == "required", ("idempotency-key",)),
        (route.key != "no", ("key-in-flight", "key-reused")),
        (route.if_match, ("if-match", "stale")),
        (route.limit != "none", ("too-many-requests",)),
        (route.mode is not Mode.OWN or bool(route.body), ("unavailable",)),
    )
    return found.union(*(slugs for holds, slugs in conditions if holds))


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _example(problem: Problem) -> dict[str, Any]:
    example: dict[str, Any] = {
        "type": problem.type, "title": problem.title, "status": problem.status, "detail": problem.cause,
        "instance": "/api/…", "request_id": "0197f0a0-7c1e-7abc-8def-0123456789ab",
    }  # fmt: skip
    if problem.slug in ("invalid", "out-of-stock"):
        example["errors"] = [{"field": "lines[0].quantity", "message": "1.250 kg are left"}]
    if problem is BY_SLUG["out-of-stock"]:
        example["errors"][0]["available"] = "1.250"
    return example


def _widened(schema: Any) -> Any:
    """Decimals may be sent as JSON numbers too, which msgspec's schema of them does not say."""
    if isinstance(schema, list):
        return [_widened(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    widened = {name: _widened(value) for name, value in schema.items()}
    if widened.get("format") == "decimal" and widened.get("type") == "string":
        widened["type"] = ["string", "number"]
    return widened


_FIELD_ERROR = {
    "type": "object",
    "properties": {
        "field": {"type": "string", "examples": ["lines[0].quantity"]},
        "message": {"type": "string"},
        "available": {"type": "string", "description": "What is left, where stock is the matter."},
    },
    "required": ["field", "message"],
}
_PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem details.",
    "properties": {
        "type": {"type": "string", "description": "A page with the cause and the cure."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {"type": "array", "items": {"$ref": _REF.format(name="FieldError")}},
    },
    "required": ["type", "title", "status", "detail", "instance", "request_id"],
}
_DESCRIPTION = """\
A marketplace for local food: buyers, farms, and the people who run the market.

Money is `{"amount": 1250, "currency": "EUR"}` in minor units; quantities are decimal strings out, numbers or decimal
strings in. Lists take `limit` and `after` and answer `{"items": […], "next": cursor or null}`. Unknown fields are refused.
Errors are [problem details](/problems); quote their `request_id` when you ask for help."""

"""The parameters of an operation: in its path, its query and its headers."""

from __future__ import annotations

import re
from typing import Any

from harvestd.web.pages import glossary
from harvestd.web.problems import IF_MATCH
from harvestd.web.routes import Route

#: Those of every operation.
SHARED: dict[str, dict[str, Any]] = {
    "Accept-Language": {
        "name": "Accept-Language",
        "in": "header",
        "required": False,
        "description": "Preferred languages for problems, warnings and notices (RFC 9110, 12.5.4), among those that `GET /api/market` lists; the first of "
        "those if none matches. `code` and `params` of errors are the same in every language.",
        "schema": {"type": "string"},
        "example": "de-AT, en;q=0.5",
    }
}


def of(route: Route, queries: dict[Any, Any]) -> list[dict[str, Any]]:
    """All parameters of a route, those of every operation last; ``queries`` has the schema of each query."""
    own = [*_in_path(route), *_in_query(route, queries), *_in_headers(route)]
    return [*own, *({"$ref": f"#/components/parameters/{name}"} for name in SHARED)]


def _in_path(route: Route) -> list[dict[str, Any]]:
    names = re.findall(r"\{([a-z_]+)\}", route.path)
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": glossary.in_path(route.path, name),
            "schema": {"type": "string"},
        }
        for name in names
    ]


def _in_query(route: Route, queries: dict[Any, Any]) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = queries[route.query]
    required = set(schema.get("required", ()))
    return [_query_parameter(name, kind, name in required) for name, kind in schema["properties"].items()]


def _query_parameter(name: str, kind: dict[str, Any], required: bool) -> dict[str, Any]:
    """A query parameter: its description is beside its schema, not in it; and it is omitted, never null."""
    kind = dict(kind)
    words = kind.pop("description", "")
    given = [one for one in kind.pop("anyOf", ()) if one != {"type": "null"}]
    if given:
        kind.pop("default", None)
        kind = {**kind, **(given[0] if len(given) == 1 else {"anyOf": given})}
    return {"name": name, "in": "query", "required": required, "description": words or kind.pop("description", ""), "schema": kind}  # fmt: skip


def _in_headers(route: Route) -> list[dict[str, Any]]:
    found = []
    if route.key != "no":
        text = "1 to 255 visible characters: a fresh key for each new operation, the same key for each retry of it."
        key = {"name": "Idempotency-Key", "in": "header", "required": route.key == "required", "description": text}
        found.append({**key, "schema": {"type": "string", "minLength": 1, "maxLength": 257}})
    if route.if_match or route.may_match:
        text = f"The version that this change is based on: {IF_MATCH}. Everything with a `version` has such a tag, in lists too; `*` matches any."
        found.append(
            {
                "name": "If-Match",
                "in": "header",
                "required": route.if_match,
                "description": text,
                "schema": {"type": "string"},
            }
        )
    return found

"""The OpenAPI 3.1 document, generated from the route table and the types that serve the requests."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from harvestd import __version__
from harvestd.kernel.errors import NotConfirmed
from harvestd.kernel.permissions import FARM_ROLES, GRANTS, ROLES, SCOPES
from harvestd.web import http_caching
from harvestd.web.pages import examples, failures, glossary, prose, schemas
from harvestd.web.problems import IF_MATCH
from harvestd.web.routes import Route, may_be_empty
from harvestd.web.shapes import ListQuery

HEADERS = {
    "ETag": "Identifies this version of the answer; send it as If-None-Match to revalidate, or as If-Match to change it.",
    "Link": 'RFC 8288: the next page, rel="next".',
    "Location": "URL of the new resource, of the operation that makes it, or to where the browser goes on.",
    "RateLimit": "What is left of each limit that was counted, and the seconds until it is fully restored; the one that is nearest its end is the first.",
    "RateLimit-Policy": "Each limit: q requests in w seconds.",
    "Idempotent-Replayed": "true if this is the stored answer of an earlier request with the same idempotency key.",
    "X-Request-Id": "Identifies this request in the logs.",
    "Cache-Control": "Who may keep the answer, and for how long (RFC 9111).",
    "Content-Disposition": "The name under which to keep the file (RFC 6266).",
    "Retry-After": "Seconds to wait before a retry.",
    "Content-Language": "The language of the answer; of a problem also lists English if its detail is in English.",
    "Vary": "Request headers that the answer depends on.",
    "WWW-Authenticate": "What is wrong with the credentials.",
    "X-Cart-Token": "The token of a guest's cart, for clients without cookies.",
    "Set-Cookie": "A cookie: `harvest_cart` (with TLS `__Host-harvest_cart`) holds the token of a guest's cart, `harvest_session` (with TLS `__Host-harvest_session`) a browser's session, `harvest_sign_in` (`__Host-harvest_sign_in`) what it began elsewhere, `harvest_link` (`__Host-harvest_link`) that it asked for a link to sign in.",
}
#: Parameters of every operation.
PARAMETERS: dict[str, dict[str, Any]] = {
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


def document(routes: Sequence[Route], title: str) -> dict[str, Any]:
    """The whole document, as JSON values, without the HTML pages."""
    shown = [route for route in routes if not route.page]
    types = {kind for route in shown for kind in (route.body, route.answer) if kind is not None}
    queries = {route.query for route in shown if route.query is not None}
    by_type, found, parameters = schemas.components(types, queries, glossary.of(shown))
    paths: dict[str, dict[str, Any]] = {}
    for route in shown:
        operation = _operation(route, by_type, parameters, found)
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    sections = dict.fromkeys(route.section for route in shown)
    described: dict[str, Any] = prose.tidied({
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": __version__,
            "description": _DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
            "contact": {"name": title},
        },
        "servers": [{"url": "/", "description": "The server that this document came from."}],
        "tags": [{"name": section.name, "description": section.about} for section in sections],
        "paths": paths,
        "components": {
            "schemas": found,
            "responses": failures.shared(shown),
            "parameters": PARAMETERS,
            "headers": {name: {"description": text, "schema": {"type": "string"}} for name, text in HEADERS.items()},
            "securitySchemes": _SCHEMES,
        },
    })  # fmt: skip
    return described


def _operation(
    route: Route, by_type: dict[Any, Any], parameters: dict[Any, Any], found: dict[str, Any]
) -> dict[str, Any]:
    taken = [*_path_parameters(route), *_query_parameters(route, parameters), *_header_parameters(route)]
    operation: dict[str, Any] = {
        "operationId": route.operation_id,
        "summary": route.summary,
        "tags": [route.tag],
        "description": _description(route),
        "security": _security(route),
    }
    operation["parameters"] = [*taken, *({"$ref": f"#/components/parameters/{name}"} for name in PARAMETERS)]
    if route.body is not None:
        content = {"schema": by_type[route.body], **examples.of(route, "body")}
        operation["requestBody"] = {
            "required": not may_be_empty(route.body),
            "content": {"application/json": content, **_as_form(route, by_type, found)},
        }
    operation["responses"] = {**_success(route, by_type), **failures.of(route)}
    return operation


def _as_form(route: Route, by_type: dict[Any, Any], found: dict[str, Any]) -> dict[str, Any]:
    if route.body is None or not route.upload:
        return {}
    return _form(route.body, found[by_type[route.body]["$ref"].rpartition("/")[2]])


def _form(body: type[msgspec.Struct], schema: dict[str, Any]) -> dict[str, Any]:
    """The form of a body with a file: the file itself in place of its content in base64, and beside it the fields as JSON has them."""
    texts = [field for field in msgspec.structs.fields(body) if field.name not in ("content", "filename")]
    form = {
        "type": "object",
        "properties": {
            "file": {"type": "string", "contentMediaType": "application/octet-stream", "description": "The file."},
            **{field.encode_name: schema["properties"][field.encode_name] for field in texts},
        },
        "required": ["file", *(field.encode_name for field in texts if field.required)],
    }
    return {"multipart/form-data": {"schema": form}}


def _description(route: Route) -> str:
    return " ".join(part for part in (_who(route), _api_keys(route), _step_up(route), route.description) if part)


def _who(route: Route) -> str:
    if route.permission is None:
        return "For anyone."
    grant = GRANTS[route.permission]
    everyone = grant.roles >= frozenset(ROLES)
    if not grant.in_farm:
        return "For anyone who is signed in." if everyone else f"For the market's {_those(ROLES, grant.roles)}."
    buyer = "the buyer, " if everyone else ""  # what they see of farms' matters is what they ordered
    staff = f", and the market's {_those(ROLES, grant.everywhere)}" if grant.everywhere else ""
    return f"For {buyer}the {_those(FARM_ROLES, grant.in_farm)} of the farm{staff}."


def _those(order: Sequence[str], roles: Collection[str]) -> str:
    """The roles in the plural: ``owners, managers and packers``."""
    *first, last = [f"{role}s" for role in order if role in roles]
    return f"{', '.join(first)} and {last}" if first else last


def _api_keys(route: Route) -> str:
    """Which API keys may call it, where that is a question."""
    if route.scope is not None:
        return f"An API key is its owner here with the scope `{route.scope.value}`, nobody without."
    if route.permission is None:
        return ""
    return f"API keys: scope `{route.permission.value}`." if route.permission.value in SCOPES else "Not for API keys."


def _step_up(route: Route) -> str:
    always = route.permission is not None and NotConfirmed in route.errors
    return "Needs a sign-in of the last five minutes, or `POST /api/auth/confirm`." if always else ""


def _security(route: Route) -> list[dict[str, list[str]]]:
    if route.operator:
        return [{"operator": []}]
    browser: dict[str, list[str]] = {"session": []} if route.method == "GET" else {"session": [], "csrf": []}
    if route.permission is not None:
        return [{"bearer": []}, browser]
    shared = route.cached is not None and route.cached.signed_in == "shared"
    known: list[dict[str, list[str]]] = [{}, {"bearer": []}, browser] if route.credentials and not shared else []
    return [*known, {"cart": []}, {"cartToken": []}] if route.cart else known


def _path_parameters(route: Route) -> list[dict[str, Any]]:
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


def _query_parameters(route: Route, parameters: dict[Any, Any]) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = parameters[route.query]
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


def _header_parameters(route: Route) -> list[dict[str, Any]]:
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


def _success(route: Route, by_type: dict[Any, Any]) -> dict[str, Any]:
    names = ["X-Request-Id", "Cache-Control"]
    conditions = (
        (http_caching.tagged(route), ("ETag",)),
        (route.download, ("Content-Disposition",)),
        (route.spoken, ("Content-Language", "Vary")),
        (route.limit != "none", ("RateLimit", "RateLimit-Policy")),
        (route.key != "no", ("Idempotent-Replayed",)),
        (route.status in (201, 303) or (route.status == 202 and route.answer is not None), ("Location",)),
        (route.query is not None and issubclass(route.query, ListQuery), ("Link",)),
        (route.cart, ("X-Cart-Token", "Set-Cookie")),
        (route.cookie, ("Set-Cookie",)),
        (route.cart and route.answer is not None, ("Vary",)),
    )
    names += [name for holds, added in conditions if holds for name in added]
    empty = route.answer is None and route.media_type == "application/json"
    status = 204 if empty and route.status == 200 else route.status
    response: dict[str, Any] = {"description": route.summary, "headers": failures.headers(names)}
    if not empty:
        schema = {"type": "string"} if route.answer is None else by_type[route.answer]
        shown = {"schema": schema, **examples.of(route, "answer")}
        kinds = route.media_types or (route.media_type.partition(";")[0],)
        response["content"] = dict.fromkeys(kinds, shown)
    if route.also_html:
        response["content"]["text/html"] = {"schema": {"type": "string"}}
    responses = {str(one): response for one in (status, *route.also)}
    if route.accepted:
        responses["202"] = {
            "description": "Accepted: a mail tells the rest. Nothing says whether the address has an account.",
            "headers": failures.headers(["X-Request-Id", "Cache-Control"]),
        }
    if route.method == "GET" and http_caching.tagged(route):
        responses["304"] = {
            "description": "Not modified: the client's copy is current.",
            "headers": failures.headers(["ETag", "Cache-Control"]),
        }
    return responses


_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The `access_token` of `POST /api/auth/login`, `/register` or `/refresh`; or an API key (`hk_…`), whose scopes are permissions of its owner.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "harvest_session",
        "description": "A browser's session, set by `POST /api/auth/session`; `__Host-harvest_session` where the market is served with TLS.",
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": "X-CSRF-Token",
        "description": "The `csrf_token` of a browser's session, with each request that changes something.",
    },
    "cart": {
        "type": "apiKey",
        "in": "cookie",
        "name": "harvest_cart",
        "description": "A guest's cart, for browsers: set by the first answer with a cart.",
    },
    "cartToken": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Cart-Token",
        "description": "A guest's cart, for other clients: send back the header of the first answer with a cart. "
        "Sent with a sign-in or a registration, it makes the guest's cart the account's.",
    },
    "operator": {
        "type": "http",
        "scheme": "bearer",
        "description": "The setting `metrics_token`, if it is set; otherwise only this machine has access.",
    },
}
_DESCRIPTION = """\
A marketplace for local food: buyers, farms, and the people who run the market.

Money is `{"amount": 1250, "currency": "EUR"}` in minor units. Quantities are decimal strings in answers, and numbers or decimal
strings in requests. Lists take `limit` and `after` and return `{"items": […], "next": cursor or null}` (keyset pagination). Unknown
fields are refused. Errors are [problem details](/problems), in the language of `Accept-Language` if the market has it; quote their
`request_id` when you ask for help.

Guests have carts, too: the first answer with a cart carries its token, as the header `X-Cart-Token` and as a cookie. Send either
one back with each cart request; sent with a sign-in or registration, it makes the guest's cart the account's."""

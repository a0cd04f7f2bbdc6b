"""The OpenAPI 3.1 document, generated from the route table and the types that serve the requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from harvestd import __version__
from harvestd.web.pages import examples, failures, glossary, parameters, prose, responses, schemas, security
from harvestd.web.routes import Route, may_be_empty


def document(routes: Sequence[Route], title: str) -> dict[str, Any]:
    """The whole document, as JSON values, without the HTML pages."""
    shown = [route for route in routes if not route.page]
    types = {kind for route in shown for kind in (route.body, route.answer) if kind is not None}
    asked = {route.query for route in shown if route.query is not None}
    by_type, found, queries = schemas.components(types, asked, glossary.of(shown))
    paths: dict[str, dict[str, Any]] = {}
    for route in shown:
        operation = _operation(route, by_type, queries, found)
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
            "parameters": parameters.SHARED,
            "headers": {
                name: {"description": text, "schema": {"type": "string"}} for name, text in responses.HEADERS.items()
            },
            "securitySchemes": security.SCHEMES,
        },
    })  # fmt: skip
    return described


def _operation(route: Route, by_type: dict[Any, Any], queries: dict[Any, Any], found: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.operation_id,
        "summary": route.summary,
        "tags": [route.tag],
        "description": _description(route),
        "security": security.requirements(route),
        "parameters": parameters.of(route, queries),
    }
    if route.body is not None:
        content = {"schema": by_type[route.body], **examples.of(route, "body")}
        operation["requestBody"] = {
            "required": not may_be_empty(route.body),
            "content": {**_as_files(route), "application/json": content, **_as_form(route, by_type, found)},
        }
    operation["responses"] = {**responses.of(route, by_type), **failures.of(route)}
    return operation


def _as_files(route: Route) -> dict[str, Any]:
    """The file itself as the body."""
    return {kind: {"schema": {"type": "string", "description": "The file."}} for kind in route.files}


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
    return " ".join(part for part in (security.callers(route), route.description) if part)


_DESCRIPTION = """\
A marketplace for local food: buyers, farms, and the people who run the market.

Money is `{"amount": 1250, "currency": "EUR"}` in minor units. Quantities are decimal strings in answers, and numbers or decimal
strings in requests. Lists take `limit` and `after` and return `{"items": […], "next": cursor or null}` (keyset pagination). Unknown
fields are refused. Errors are [problem details](/problems), in the language of `Accept-Language` if the market has it; quote their
`request_id` when you ask for help.

Guests have carts, too: the first answer with a cart carries its token, as the header `X-Cart-Token` and as a cookie. Send either
one back with each cart request; sent with a sign-in or registration, it makes the guest's cart the account's."""

"""The components of the document: msgspec's schemas of the types, enriched.

Enums get a schema of their own and a type, ids and times their format, every property its description, generic types a
name that generated clients can use.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs
import msgspec

from harvestd.kernel.codes import CODES
from harvestd.web.pages.glossary import described
from harvestd.web.problems import PROBLEMS
from harvestd.web.vocabulary import CLOSED

REF = "#/components/schemas/{name}"
#: Names that end in ``_id`` but are not our UUIDs.
_NO_UUID = frozenset({"request_id", "external_id"})


def components(
    types: Iterable[Any], queries: Iterable[Any], words: Mapping[str, str]
) -> tuple[dict[Any, Any], dict[str, Any], dict[Any, Any]]:
    """For ``types`` (bodies and responses) and ``queries``, described by ``words``: the schema of each type, the components that
    they need, and the properties of each query."""
    ordered, asked = sorted(set(types), key=str), sorted(set(queries), key=str)
    references, found = msgspec.json.schema_components([*ordered, *asked], ref_template=REF)
    enums = {mark["name"]: mark["schema"] for mark in _closed([references, found])}
    known = _Known(
        {name: _plain(name) for name in found}, {frozenset(enums[name]["enum"]): name for name in enums}, words
    )
    schemas = {known.names[name]: _rich(schema, known.names[name], known) for name, schema in found.items()}
    by_type = {kind: _rich(reference, "", known) for kind, reference in zip(ordered, references, strict=False)}
    parameters = {
        kind: schemas.pop(_plain(_name_of(ref))) for kind, ref in zip(asked, references[len(ordered) :], strict=True)
    }
    schemas = {name: _without_defaults(schema) for name, schema in schemas.items()}
    schemas |= dict(sorted(enums.items()))
    return by_type, {**schemas, "Problem": PROBLEM, "FieldError": FIELD_ERROR}, parameters  # fmt: skip


@attrs.frozen
class _Known:
    """The names of types in the document, the names of enums by their words, and the glossary."""

    names: dict[str, str]
    enums: dict[frozenset[str], str]
    words: Mapping[str, str]


def _closed(value: Any) -> Iterator[dict[str, Any]]:
    """The marks of enums, at any depth."""
    if isinstance(value, dict):
        if CLOSED in value:
            yield value[CLOSED]
        for one in value.values():
            yield from _closed(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _closed(one)


def _name_of(reference: dict[str, Any]) -> str:
    return str(reference["$ref"].rpartition("/")[2])


#: Generic pages whose schemas are named after their items.
_PAGES = ("Page", "CountedPage", "UnreadPage")


def _plain(name: str) -> str:
    """``ProductPage`` for ``CountedPage_Product_``, ``SearchPage`` for ``SearchPage_FoundProduct_``."""
    outer, _, inner = name.rstrip("_").partition("_")
    return f"{inner}Page" if inner and outer in _PAGES else outer


def _rich(schema: Any, owner: str, known: _Known) -> Any:
    if isinstance(schema, list):
        return [_rich(one, owner, known) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": REF.format(name=known.names[_name_of(schema)])}
    found = {key: _rich(value, owner, known) for key, value in schema.items() if key != "properties"}
    if "properties" in schema:
        found["properties"] = {
            name: _property(name, _rich(value, owner, known), owner, known.words)
            for name, value in schema["properties"].items()
        }
    if owner and found.get("title", "").startswith(tuple(f"{page}[" for page in (*_PAGES, "SearchPage"))):
        found["title"] = owner
    if "enum" in found:
        return _enum(found, known.enums)
    if found.get("format") == "decimal" and found.get("type") == "string":
        found["type"] = ["string", "number"]  # may be sent as JSON numbers, which msgspec's schema does not say
    return found


def _enum(schema: dict[str, Any], enums: dict[frozenset[str], str]) -> dict[str, Any]:
    """A reference to the enum by its name, with its other keywords beside it."""
    name = enums.get(frozenset(schema["enum"]))
    if name is None:
        return {"type": "string", **schema}
    rest = {key: value for key, value in schema.items() if key not in ("enum", "type", CLOSED)}
    return {"$ref": REF.format(name=name), **rest}


def _property(name: str, schema: dict[str, Any], owner: str, glossary: Mapping[str, str]) -> dict[str, Any]:
    kind = "uuid" if name == "id" or (name.endswith("_id") and name not in _NO_UUID) else ""
    kind = "date-time" if name.endswith("_at") else kind
    if kind:
        schema = _with_format(schema, kind)
    words = schema.get("description") or described(owner, name, glossary)
    return {**schema, "description": words} if words else schema


def _without_defaults(schema: dict[str, Any]) -> dict[str, Any]:
    """A body's schema without defaults: generators treat a property with a default as always present, and would require it."""
    properties = {name: _without_default(kind) for name, kind in schema.get("properties", {}).items()}
    return {**schema, "properties": properties} if properties else schema


def _without_default(schema: dict[str, Any]) -> dict[str, Any]:
    if "default" not in schema:
        return schema
    value = schema["default"]
    said = "" if value in (None, "", [], False) else f" Left out: `{value}`."
    rest = {key: value for key, value in schema.items() if key != "default"}
    return {**rest, "description": f"{schema.get('description', '')}{said}".strip()}


def _with_format(schema: dict[str, Any], kind: str) -> dict[str, Any]:
    if schema.get("type") == "string":
        return {"format": kind, **schema}
    if "anyOf" in schema:
        return {**schema, "anyOf": [_with_format(one, kind) for one in schema["anyOf"]]}
    return schema


FIELD_ERROR: dict[str, Any] = {
    "type": "object",
    "description": "One thing wrong with one field.",
    "properties": {
        "field": {"type": "string", "description": described("FieldError", "field"), "examples": ["lines[0].quantity"]},
        "code": {"type": "string", "description": described("FieldError", "code"), "examples": sorted(CODES)},
        "message": {"type": "string", "description": described("FieldError", "message")},
        "params": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": described("FieldError", "params"),
            "examples": [{"minimum": "0.500"}],
        },
        "available": {"type": "string", "description": described("FieldError", "available")},
    },
    "required": ["field", "code", "message", "params"],
}
PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457 problem details.",
    "properties": {
        "type": {
            "type": "string",
            "format": "uri-reference",
            "description": described("Problem", "type"),
            "examples": [problem.type for problem in PROBLEMS if problem.slug == "out-of-stock"],
        },
        "title": {"type": "string", "description": described("Problem", "title")},
        "status": {"type": "integer", "description": described("Problem", "status")},
        "detail": {"type": "string", "description": described("Problem", "detail")},
        "instance": {"type": "string", "format": "uri-reference", "description": described("Problem", "instance")},
        "request_id": {"type": "string", "description": described("Problem", "request_id")},
        "challenge": {"type": "string", "description": described("Problem", "challenge")},
        "factors": {
            "type": "array",
            "items": {"type": "string", "examples": ["totp", "passkey", "recovery_code"]},
            "description": described("Problem", "factors"),
        },
        "errors": {
            "type": "array",
            "items": {"$ref": REF.format(name="FieldError")},
            "description": described("Problem", "errors"),
        },
    },
    "required": ["type", "title", "status", "detail", "instance", "request_id"],
}

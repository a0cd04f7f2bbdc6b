"""The components of the document: what msgspec says of the types, made as rich as the server is.

Enums get a schema of their own and a type, ids and times their format, every property its description, generic types a
name that a generated client can bear.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from harvestd.kernel.codes import CODES
from harvestd.web.pages.glossary import described
from harvestd.web.problems import PROBLEMS
from harvestd.web.shapes.vocabulary import VOCABULARY

REF = "#/components/schemas/{name}"
_ENUMS = {frozenset(words): name for name, words in VOCABULARY.items()}
#: Names that end like an id and are none of ours.
_NO_UUID = frozenset({"request_id", "external_id"})


def components(types: Iterable[Any], queries: Iterable[Any]) -> tuple[dict[Any, Any], dict[str, Any], dict[Any, Any]]:
    """For ``types`` (bodies and answers) and ``queries``: the schema of each type, the components that these need, and the
    properties of each query."""
    ordered, asked = sorted(set(types), key=str), sorted(set(queries), key=str)
    references, found = msgspec.json.schema_components([*ordered, *asked], ref_template=REF)
    names = {name: _plain(name) for name in found}
    schemas = {names[name]: _rich(schema, names[name], names) for name, schema in found.items()}
    by_type = {kind: _rich(reference, "", names) for kind, reference in zip(ordered, references, strict=False)}
    parameters = {
        kind: schemas.pop(_plain(_name_of(ref))) for kind, ref in zip(asked, references[len(ordered) :], strict=True)
    }
    schemas = {name: _without_defaults(schema) for name, schema in schemas.items()}
    for name in sorted(_enums_in([schemas, by_type, parameters])):
        schemas[name] = {
            "type": "string",
            "enum": list(VOCABULARY[name]),
            "description": _ENUM_WORDS[name],
        }
    return by_type, {**schemas, "Problem": PROBLEM, "FieldError": FIELD_ERROR}, parameters  # fmt: skip


def _name_of(reference: dict[str, Any]) -> str:
    return str(reference["$ref"].rpartition("/")[2])


#: Pages whose schemas are called by what is on them.
_PAGES = ("Page", "CountedPage", "UnreadPage")


def _plain(name: str) -> str:
    """``ProductPage`` for ``CountedPage_Product_``, ``SearchPage`` for ``SearchPage_FoundProduct_``."""
    outer, _, inner = name.rstrip("_").partition("_")
    return f"{inner}Page" if inner and outer in _PAGES else outer


def _rich(schema: Any, owner: str, names: dict[str, str]) -> Any:
    if isinstance(schema, list):
        return [_rich(one, owner, names) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": REF.format(name=names[_name_of(schema)])}
    found = {key: _rich(value, owner, names) for key, value in schema.items() if key != "properties"}
    if "properties" in schema:
        found["properties"] = {
            name: _property(name, _rich(value, owner, names), owner) for name, value in schema["properties"].items()
        }
    if owner and found.get("title", "").startswith(tuple(f"{page}[" for page in (*_PAGES, "SearchPage"))):
        found["title"] = owner
    if "enum" in found:
        return _enum(found)
    if found.get("format") == "decimal" and found.get("type") == "string":
        found["type"] = ["string", "number"]  # may be sent as JSON numbers, which msgspec's schema does not say
    return found


def _enum(schema: dict[str, Any]) -> dict[str, Any]:
    """A reference to the enum by its name, beside what else is said of it here."""
    name = _ENUMS.get(frozenset(schema["enum"]))
    if name is None:
        return {"type": "string", **schema}
    rest = {key: value for key, value in schema.items() if key not in ("enum", "type")}
    return {"$ref": REF.format(name=name), **rest}


def _property(name: str, schema: dict[str, Any], owner: str) -> dict[str, Any]:
    kind = "uuid" if name == "id" or (name.endswith("_id") and name not in _NO_UUID) else ""
    kind = "date-time" if name.endswith("_at") else kind
    if kind:
        schema = _with_format(schema, kind)
    words = schema.get("description") or described(owner, name)
    return {**schema, "description": words} if words else schema


def _without_defaults(schema: dict[str, Any]) -> dict[str, Any]:
    """Of a body: generators take a property with a default for one that is always there, and would ask callers for it."""
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


def _enums_in(value: Any) -> set[str]:
    return {name for reference in _references(value) if (name := reference.rpartition("/")[2]) in VOCABULARY}


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for one in value.values():
            yield from _references(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)


_ENUM_WORDS = {
    "PartStep": "The statuses that a farm's part can be moved to.",
    "NotOrderable": "Why a product cannot be ordered.",
    "Actor": "Who took a step.",
    "OrderAction": "What can be done with an order.",
    "FulfilmentMethod": "How goods reach the buyer.",
    "ProductSort": "What comes first in a list of products.",
    "SearchSort": "What comes first in the hits of a search.",
    "ProductStatus": "Whether a product is on sale.",
    "SuggestionKind": "What a suggestion is.",
    "NewRole": "What an account can be registered as.",
    "FarmRole": "What a person is in a farm.",
    "Condition": "How a thing is.",
    "ImageStatus": "Whether a picture can be shown.",
    "CompareBy": "The units that prices are compared by.",
    "NoticeKind": "What a notice is about.",
    "Unit": "What a product is counted or weighed in.",
    "OrderStatus": "Of an order and of each farm's part; an order is as far as the least advanced part that stands.",
    "Role": "What an account is in the market. Everyone can buy.",
    "WarningCode": "What stands between the cart and an order.",
}
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
        "errors": {
            "type": "array",
            "items": {"$ref": REF.format(name="FieldError")},
            "description": described("Problem", "errors"),
        },
    },
    "required": ["type", "title", "status", "detail", "instance", "request_id"],
}

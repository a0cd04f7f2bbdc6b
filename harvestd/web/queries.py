"""Query strings decoded into their type, as strictly as bodies."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, get_origin
from urllib.parse import parse_qsl

import msgspec

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.kernel.sentences import worded
from harvestd.web import type_structure as structure
from harvestd.web import validation as fields
from harvestd.web.problems import Refusal

#: Maximum number of parameters; no route has more.
MAX = 100
#: Maximum characters of a query that is cached.
MAX_KNOWN = 200


def decode(query: str, wanted: type[msgspec.Struct] | None) -> Any:
    """``query`` (as sent, without its ``?``) as a ``wanted``; None where the route takes no parameters.

    Raises a 400 for bad escapes, ``Invalid`` for parameters that are unknown, repeated (unless the field is a list), or of
    the wrong type; of a type that lets unknown fields pass, these are as if not sent.
    """
    pairs = _pairs(query) if query else []
    if wanted is None:
        if pairs:
            raise _refuse([fields.unknown(name[: fields.MAX_NAME], name, None) for name, _ in pairs])
        return None
    if not wanted.__struct_config__.forbid_unknown_fields:
        pairs = [pair for pair in pairs if pair[0] in _names(wanted)]
    lists = _list_names(wanted)
    values: dict[str, Any] = {}
    errors: list[FieldError] = []
    for name, value in pairs:
        if "\x00" in value or "\x00" in name:
            shown = name.replace("\x00", "")[: fields.MAX_NAME]
            errors.append(FieldError(shown, "contains a NUL character; remove it", code="control-character"))
        elif name in lists:
            values.setdefault(name, []).append(value)
        elif name in values:
            errors.append(FieldError(name[: fields.MAX_NAME], "is given twice; give it once", code="given-twice"))
        else:
            values[name] = value
    if errors:
        raise _refuse(errors)
    return fields.convert(values, wanted, text=True)


#: :func:`decode`, cached for repeated queries; only for routes with the same answer for everyone, whose queries are not secret.
#: Refused queries are not cached.
_known = lru_cache(1024)(decode)


def decode_public(query: str, wanted: type[msgspec.Struct] | None) -> Any:
    """:func:`decode` with a cache for short queries: the value may be shared between requests."""
    return _known(query, wanted) if len(query) <= MAX_KNOWN else decode(query, wanted)


def encode(query: msgspec.Struct) -> list[tuple[str, str]]:
    """The query's parameters in canonical form: in the type's order, without default values."""
    found: list[tuple[str, str]] = []
    for (encoded, default), value in zip(_defaults(type(query)), msgspec.structs.astuple(query), strict=True):
        if value != default:
            found += [(encoded, _text(one)) for one in (value if isinstance(value, (list, tuple)) else [value])]
    return found


@cache
def _defaults(wanted: type[msgspec.Struct]) -> tuple[tuple[str, Any], ...]:
    """The encoded name and the default of each parameter."""
    return tuple(
        (f.encode_name, f.default if f.default_factory is msgspec.NODEFAULT else f.default_factory())
        for f in structure.fields_of(wanted)
    )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (float, Decimal)):
        return f"{Decimal(str(value)):f}"
    return value.isoformat() if isinstance(value, date) else str(value)


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MAX)
    except UnicodeDecodeError as error:
        raise Refusal("malformed", "the query is not percent-encoded UTF-8") from error
    except ValueError as error:
        raise Refusal("malformed", worded("the query has more than {most} parameters", most=MAX)) from error


@cache
def _names(wanted: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(field.encode_name for field in structure.fields_of(wanted))


@cache
def _list_names(wanted: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(
        field.encode_name
        for field in structure.fields_of(wanted)
        if get_origin(structure.kind_of(field.type)) in (list, tuple)
    )


def _refuse(errors: list[FieldError]) -> Invalid:
    return Invalid("some parameters are not acceptable", tuple(errors[: fields.MAX]))

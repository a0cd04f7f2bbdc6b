"""Types described in plain words for error messages ("a whole number from 1 to 100"), and the error code of a wrong value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from msgspec import inspect


@cache
def expected(wanted: Any, *, text: bool = False) -> str:
    """The values that ``wanted``, a msgspec type, accepts; with ``text``, in a query, which has no null."""
    return _words(inspect.type_info(wanted)).removesuffix(_NULL if text else "")


@cache
def or_null(wanted: Any) -> str:
    """The addition for a type that also accepts null."""
    info = inspect.type_info(wanted)
    kinds = info.types if isinstance(info, inspect.UnionType) else ()
    return _NULL if any(isinstance(one, inspect.NoneType) for one in kinds) else ""


@cache
def own_words(wanted: Any) -> Mapping[str, Any]:
    """The wording in a type's annotations: ``message`` (the expectation, for any error), ``kind`` (the same, only for a value of
    the wrong kind), ``params`` (extra parameters by error code)."""
    return _own_words(inspect.type_info(wanted))


def _own_words(info: Any) -> dict[str, Any]:
    if isinstance(info, inspect.UnionType):
        return {name: word for one in info.types for name, word in _own_words(one).items()}
    if isinstance(info, inspect.Metadata):
        return {**_own_words(info.type), **(info.extra or {})}
    return {}


def longest(wanted: Any) -> int | None:
    """The maximum elements of a list, keys of an object, or characters of a text, if bounded."""
    return getattr(_bare(wanted), "max_length", None)


def fault(value: Any, wanted: Any) -> tuple[str, dict[str, str]]:
    """The field error code, and its parameters, for a ``value`` that does not fit ``wanted``."""
    info = _bare(wanted)
    if isinstance(info, (inspect.IntType, inspect.FloatType, inspect.DecimalType)):
        return _number_fault(value, info)
    if isinstance(info, inspect.LiteralType):
        return "not-one-of", {"allowed": ", ".join(map(str, info.values))}
    if (
        isinstance(info, inspect.StrType)
        if isinstance(value, str)
        else isinstance(info, _LISTS) and isinstance(value, list)
    ):
        listed = {"reason": "elements"} if isinstance(value, list) else {}
        if info.max_length is not None and len(value) > info.max_length:
            return "too-long", {"maximum": str(info.max_length), **listed}
        return "too-short", {"minimum": str(info.min_length or 0), **listed}
    if (
        isinstance(info, inspect.DictType)
        and isinstance(value, dict)
        and info.max_length is not None
        and len(value) > info.max_length
    ):
        return "too-long", {"maximum": str(info.max_length), "reason": "elements"}
    if isinstance(value, str) and isinstance(info, (inspect.DateType, inspect.DateTimeType)):
        return "not-a-date", {
            **({"reason": "time"} if isinstance(info, inspect.DateTimeType) else {}),
            **example(wanted),
        }
    return "wrong-type", {"expected": ", ".join(dict.fromkeys(_json_types(info)))}


@cache
def json_types(wanted: Any) -> tuple[str, ...]:
    """The JSON types that ``wanted`` accepts, except null."""
    return tuple(dict.fromkeys(_json_types(inspect.type_info(wanted))))


@cache
def example(wanted: Any) -> Mapping[str, str]:
    """An example text for ``wanted``, as a parameter of an error code; empty if it has none, or is an id."""
    info, found = _without_null(inspect.type_info(wanted)), ""
    while isinstance(info, inspect.Metadata):
        schema = info.extra_json_schema or {}
        found = "" if schema.get("format") == "uuid" else next(iter(schema.get("examples", ())), found)
        info = info.type
    found = found or _EXAMPLES.get(type(info), "")
    return {"example": found} if found else {}


def _without_null(info: Any) -> Any:
    kinds = [one for one in getattr(info, "types", ()) if not isinstance(one, inspect.NoneType)]
    return kinds[0] if len(kinds) == 1 else info


def _json_types(info: Any) -> Iterator[str]:
    """The JSON types that it accepts, except null."""
    while isinstance(info, inspect.Metadata):
        info = info.type
    for one in info.types if isinstance(info, inspect.UnionType) else (info,):
        if isinstance(one, inspect.Metadata):
            yield from _json_types(one)
        elif type(one) in _JSON_TYPES:
            yield _JSON_TYPES[type(one)]


def _number_fault(value: Any, info: Any) -> tuple[str, dict[str, str]]:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return "wrong-type", {"expected": ", ".join(_json_types(info))}
    if isinstance(info, inspect.DecimalType):
        bounds = {"minimum": getattr(info, "ge", None), "maximum": getattr(info, "le", None)}
        return "not-a-number", {name: str(bound) for name, bound in bounds.items() if bound is not None}
    least, most = (x if y is None else y for x, y in ((info.ge, info.gt), (info.le, info.lt)))
    if least is not None and value <= least:
        return "below-minimum", {"minimum": str(least), **({} if info.gt is None else {"reason": "exclusive"})}
    return ("above-maximum", {"maximum": str(most)}) if most is not None and value >= most else ("not-a-number", {})


@cache
def _bare(wanted: Any) -> Any:
    """The one type behind annotations and ``| None``, if there is only one."""
    info: Any = inspect.type_info(wanted)
    while True:
        if isinstance(info, inspect.UnionType):
            rest = [one for one in info.types if not isinstance(one, inspect.NoneType)]
            if len(rest) != 1:
                return info
            info = rest[0]
        elif isinstance(info, inspect.Metadata):
            info = info.type
        else:
            return info


def _words(info: Any) -> str:
    example, pattern = None, ""
    while isinstance(info, inspect.Metadata):
        schema = info.extra_json_schema or {}
        example = next(iter(schema.get("examples", ())), example)
        pattern = schema.get("pattern", pattern)
        info = info.type
    if isinstance(info, inspect.StrType) and pattern:
        return f"text such as {example}" if example else "text of another form"
    describe = _WORDS.get(type(info))
    return describe(info) if describe else "another type of value"


def _range(info: Any) -> str:
    least = info.ge if info.ge is not None else info.gt
    most = info.le if info.le is not None else info.lt
    above, below = ("from" if info.gt is None else "above"), ("to" if info.lt is None else "below")
    if least is not None and most is not None:
        return f" {above} {least} {below} {most}"
    if least is not None:
        return f" of {least} or more" if info.gt is None else f" above {least}"
    if most is not None:
        return f" of {most} or less" if info.lt is None else f" below {most}"
    return ""


def _length(info: Any, unit: str) -> str:
    least, most = info.min_length, info.max_length
    if least and most is not None:
        return f" of {least} to {most} {unit}" if least != most else f" of {least} {unit}"
    if least:
        return f" of {least} {unit} or more"
    return "" if most is None else f" of at most {most} {unit}"


def _text(info: Any) -> str:
    return f"text{_length(info, 'characters')}"


def _union(info: Any) -> str:
    unset = getattr(inspect, "UnsetType", None)
    parts = [t for t in info.types if unset is None or not isinstance(t, unset)]
    words = [_words(t) for t in parts if not isinstance(t, inspect.NoneType)]
    nullable = len(words) < len(parts)
    return " or ".join(dict.fromkeys(words)) + (_NULL if nullable else "")


def _choice(values: Any) -> str:
    return "one of: " + ", ".join(str(v) for v in values)


_NULL = ", or null"
#: The JSON type by kind of type.
_JSON_TYPES: dict[type, str] = {
    inspect.BoolType: "boolean", inspect.IntType: "integer", inspect.FloatType: "number", inspect.DecimalType: "number",
    inspect.StrType: "string", inspect.UUIDType: "string", inspect.DateTimeType: "string", inspect.DateType: "string",
    inspect.LiteralType: "string", inspect.EnumType: "string", inspect.ListType: "array", inspect.VarTupleType: "array",
    inspect.StructType: "object", inspect.DictType: "object",
}  # fmt: skip
_EXAMPLES: dict[type, str] = {inspect.DateType: "2026-05-01", inspect.DateTimeType: "2026-05-01T08:00:00Z"}
_LISTS = (inspect.ListType, inspect.VarTupleType)
_WORDS: dict[type, Callable[[Any], str]] = {
    inspect.BoolType: lambda _: "true or false",
    inspect.IntType: lambda info: f"a whole number{_range(info)}",
    inspect.FloatType: lambda info: f"a number{_range(info)}",
    inspect.DecimalType: lambda _: 'a number, such as 1.25 or "1.250"',
    inspect.StrType: _text,
    inspect.UUIDType: lambda _: "an id (a UUID)",
    inspect.DateTimeType: lambda _: "a day and a time with its zone, such as 2026-05-01T08:00:00Z",
    inspect.DateType: lambda _: "a date such as 2026-05-01",
    inspect.NoneType: lambda _: "null",
    inspect.LiteralType: lambda info: _choice(info.values),
    inspect.EnumType: lambda info: _choice(member.value for member in info.cls),
    inspect.ListType: lambda info: f"a list{_length(info, 'elements')}",
    inspect.VarTupleType: lambda info: f"a list{_length(info, 'elements')}",
    inspect.StructType: lambda _: "an object",
    inspect.DictType: lambda info: f"an object{_length(info, 'keys')}",
    inspect.UnionType: _union,
}

"""A type in plain words, for the person whose value did not fit: "a whole number from 1 to 100"."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from msgspec import inspect


@cache
def expected(wanted: Any) -> str:
    """What ``wanted``, a type that msgspec knows, takes."""
    return _words(inspect.type_info(wanted))


def _words(info: Any) -> str:
    example = None
    while isinstance(info, inspect.Metadata):
        example = next(iter((info.extra_json_schema or {}).get("examples", ())), example)
        info = info.type
    if isinstance(info, inspect.StrType) and info.pattern and example:
        return f"text such as {example}"  # says more than a pattern
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
    pattern = f" that matches {info.pattern}" if info.pattern else ""
    return f"text{_length(info, 'characters')}{pattern}"


def _union(info: Any) -> str:
    unset = getattr(inspect, "UnsetType", None)
    parts = [t for t in info.types if unset is None or not isinstance(t, unset)]
    words = [_words(t) for t in parts if not isinstance(t, inspect.NoneType)]
    nullable = len(words) < len(parts)
    return " or ".join(dict.fromkeys(words)) + (", or null" if nullable else "")


def _choice(values: Any) -> str:
    return "one of: " + ", ".join(str(v) for v in values)


_WORDS: dict[type, Callable[[Any], str]] = {
    inspect.BoolType: lambda _: "true or false",
    inspect.IntType: lambda info: f"a whole number{_range(info)}",
    inspect.FloatType: lambda info: f"a number{_range(info)}",
    inspect.DecimalType: lambda _: 'a number, such as 1.25 or "1.250"',
    inspect.StrType: _text,
    inspect.UUIDType: lambda _: "an id (a UUID)",
    inspect.DateTimeType: lambda _: "a time such as 2026-05-01T08:00:00Z",
    inspect.DateType: lambda _: "a date such as 2026-05-01",
    inspect.NoneType: lambda _: "null",
    inspect.LiteralType: lambda info: _choice(info.values),
    inspect.EnumType: lambda info: _choice(member.value for member in info.cls),
    inspect.ListType: lambda info: f"a list{_length(info, 'elements')}",
    inspect.VarTupleType: lambda info: f"a list{_length(info, 'elements')}",
    inspect.StructType: lambda _: "an object",
    inspect.DictType: lambda _: "an object",
    inspect.UnionType: _union,
}

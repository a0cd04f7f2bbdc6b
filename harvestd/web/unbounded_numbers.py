"""Numbers that msgspec accepts and PostgreSQL does not: NaN, Infinity, 1e999, 2^64."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from math import isfinite
from typing import Any

import msgspec
from msgspec import inspect

from harvestd.kernel.readers import DIGITS, MAX_INTEGER, MIN_INTEGER
from harvestd.web.type_structure import fields_of, member_path

_INTEGER = range(MIN_INTEGER, MAX_INTEGER + 1)


def unbounded(value: Any, path: str) -> Iterator[str]:
    """The paths of numbers that msgspec accepts and PostgreSQL does not: NaN, Infinity, 1e999, 2^64."""
    if isinstance(value, msgspec.Struct):
        for name, encoded in _open_fields(type(value)):
            yield from unbounded(getattr(value, name), member_path(path, encoded))
    elif isinstance(value, (list, tuple)):
        for index, element in enumerate(value):
            yield from unbounded(element, f"{path}[{index}]")
    elif isinstance(value, Decimal):
        if not value.is_finite() or len(value.as_tuple().digits) > DIGITS or abs(value.adjusted()) > DIGITS:
            yield path
    elif (isinstance(value, int) and value not in _INTEGER) or (isinstance(value, float) and not isfinite(value)):
        yield path


@cache
def _open_fields(kind: type[msgspec.Struct]) -> tuple[tuple[str, str], ...]:
    """The fields of a type that can hold an unbounded number, by name and encoded name."""
    return tuple((f.name, f.encode_name) for f in fields_of(kind) if _is_open(inspect.type_info(f.type)))


def _is_open(info: Any) -> bool:
    if isinstance(info, inspect.Metadata):
        return _is_open(info.type)
    if isinstance(info, inspect.UnionType):
        return any(map(_is_open, info.types))
    if isinstance(info, (inspect.ListType, inspect.VarTupleType)):
        return _is_open(info.item_type)
    if isinstance(info, inspect.IntType):
        return info.ge is None or info.le is None
    return not isinstance(info, (inspect.StrType, inspect.BoolType, inspect.NoneType, inspect.LiteralType))

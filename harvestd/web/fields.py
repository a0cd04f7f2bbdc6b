"""Values into typed ones, and a word on each field that is wrong: what is expected there, not what a decoder met.

The happy way is one call of msgspec. Only when that says no is the value walked beside its type, field by field, so
that all that is wrong is reported at once.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from math import isfinite
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from msgspec import inspect

from harvestd.market.errors import FieldError, Invalid
from harvestd.web.expectations import expected

#: Errors beyond these are not listed: nobody reads them, and a body of a million could name a million.
MOST = 50
#: A decimal of more digits, or further from zero, is no quantity and no price; formatting it could fill the memory.
DIGITS = 40
_INTEGER = range(-(2**63), 2**63)


def convert(value: Any, wanted: Any, *, text: bool = False) -> Any:
    """``value`` (of dict, list, str, int, Decimal, bool, None) as ``wanted``; with ``text``, leaves are the strings of a
    query. Raises ``Invalid`` with all the fields that are wrong, by paths such as ``lines[0].quantity``.

    A field may word its own message: ``Annotated[str, Meta(extra={"message": "must be …"})]``.
    """
    try:
        found = msgspec.convert(value, wanted, strict=not text)
    except msgspec.ValidationError as error:
        errors: list[FieldError] = []
        for wrong in _wrong(value, wanted, "", text):
            errors.append(wrong)
            if len(errors) == MOST:
                break
        raise Invalid("some values are not acceptable", tuple(errors) or (_of(error, ""),)) from error
    unbounded = [FieldError(path, "is a number out of all bounds") for path in _unbounded(found, "")]
    if unbounded:
        raise Invalid("some values are not acceptable", tuple(unbounded[:MOST]))
    return found


def _unbounded(value: Any, path: str) -> Iterator[str]:
    """Where a number is that msgspec takes and PostgreSQL does not: NaN, Infinity, 1e999, 2^64."""
    if isinstance(value, msgspec.Struct):
        for name, encoded in _open_fields(type(value)):
            yield from _unbounded(getattr(value, name), _join(path, encoded))
    elif isinstance(value, (list, tuple)):
        for index, element in enumerate(value):
            yield from _unbounded(element, f"{path}[{index}]")
    elif isinstance(value, Decimal):
        if not value.is_finite() or len(value.as_tuple().digits) > DIGITS or abs(value.adjusted()) > DIGITS:
            yield path
    elif (isinstance(value, int) and value not in _INTEGER) or (isinstance(value, float) and not isfinite(value)):
        yield path


@cache
def _open_fields(kind: type[msgspec.Struct]) -> tuple[tuple[str, str], ...]:
    """The fields of a type that can hold a number without bounds, by name and encoded name."""
    return tuple((f.name, f.encode_name) for f in msgspec.structs.fields(kind) if _is_open(inspect.type_info(f.type)))


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


def _wrong(value: Any, wanted: Any, path: str, text: bool) -> Iterator[FieldError]:
    kind = kind_of(wanted)
    found = False
    for error in _inside(value, kind, path, text):
        found = True
        yield error
    if found:
        return
    try:
        msgspec.convert(value, wanted, strict=not text)
    except msgspec.ValidationError as error:
        yield _of(error, path) if _whole(value, kind) else FieldError(path, _message(wanted))


def _inside(value: Any, kind: Any, path: str, text: bool) -> Iterator[FieldError]:
    """What is wrong with the members of an object or the elements of a list."""
    if _is_struct(kind) and isinstance(value, dict):
        yield from _members(value, kind, path, text)
    elif get_origin(kind) in (list, tuple) and isinstance(value, list):
        element = get_args(kind)[0]
        for index, item in enumerate(value):
            yield from _wrong(item, element, f"{path}[{index}]", text)


def _members(value: dict[str, Any], kind: Any, path: str, text: bool) -> Iterator[FieldError]:
    known = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name in value:
        if name not in known:
            yield FieldError(_join(path, name[:80]), "is not accepted here; leave it out")
    for name, field in known.items():
        if name in value:
            yield from _wrong(value[name], field.type, _join(path, name), text)
        elif field.required:
            yield FieldError(_join(path, name), f"is required: {expected(field.type)}")


def kind_of(wanted: Any) -> Any:
    """The one type behind annotations and ``| None``."""
    while get_origin(wanted) is Annotated:
        wanted = get_args(wanted)[0]
    if get_origin(wanted) in (Union, types.UnionType):
        rest = [one for one in get_args(wanted) if one not in (types.NoneType, msgspec.UnsetType)]
        if len(rest) == 1:
            return kind_of(rest[0])
    return wanted


def _is_struct(kind: Any) -> bool:
    kind = get_origin(kind) or kind
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _whole(value: Any, kind: Any) -> bool:
    """Whether it is an object whose members are sound, so that the type's own check (``__post_init__``) refused it."""
    return _is_struct(kind) and isinstance(value, dict)


def _message(wanted: Any) -> str:
    if get_origin(wanted) is Annotated:
        for meta in get_args(wanted)[1:]:
            if isinstance(meta, msgspec.Meta) and meta.extra and "message" in meta.extra:
                return str(meta.extra["message"])
    return f"must be {expected(wanted)}"


def _of(error: msgspec.ValidationError, path: str) -> FieldError:
    return FieldError(path, str(error).split(" - at `")[0])


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name

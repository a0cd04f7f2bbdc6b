"""Conversion of values to types, with an error for each wrong field: what is expected there, not what a decoder found.

The happy path parses the texts once and calls msgspec once. Only on failure is the value walked along its type, field by
field, so that all errors are reported at once.
"""

from __future__ import annotations

import types
from collections.abc import Container, Iterator, Mapping
from decimal import Decimal
from functools import cache
from itertools import islice
from math import isfinite
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from msgspec import inspect

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.kernel.names import one_line
from harvestd.kernel.readers import DIGITS, MAX_INTEGER, MIN_INTEGER
from harvestd.web import meant
from harvestd.web.reading import read
from harvestd.web.shapes import PLACES
from harvestd.web.type_descriptions import example, expected, fault, json_types, longest, or_null, own_words

#: Maximum number of errors listed: nobody reads more, and a body of a million elements could have a million.
MAX = 80
#: The field name for errors of the whole value: a body that is not an object.
BODY = "body"
#: Maximum characters of an unknown name repeated in a message.
MAX_NAME = 80
#: The error codes for a value of the wrong kind, for which a field may have its own wording.
OF_ANOTHER_KIND = frozenset({"required", "wrong-type", "wrong-form", "not-a-number", "not-an-id"})
#: Returned by :func:`readable` for a value that does not fit the type.
UNREADABLE: Any = object()
_INTEGER = range(MIN_INTEGER, MAX_INTEGER + 1)


def convert(value: Any, wanted: Any, *, text: bool = False) -> Any:
    """``value`` (of dict, list, str, int, Decimal, bool, None) as ``wanted``; with ``text``, leaves are the strings of a
    query. Raises ``Invalid`` with all wrong fields, by paths such as ``lines[0].quantity``.

    A field may word its own message: ``Annotated[str, Meta(extra={"message": "must be …"})]``.
    """
    try:
        found = msgspec.convert(read(value, wanted, text=text), wanted)
    except (Invalid, msgspec.ValidationError) as error:
        errors = tuple(islice(_wrong(value, wanted, "", text), MAX))
        raise Invalid("some values are not acceptable", errors or (_fault(value, wanted, "", text),)) from error
    unbounded = islice(_unbounded(found, ""), MAX)
    errors = tuple(FieldError(path, "is far too large a number", code="not-a-number") for path in unbounded)
    if errors:
        raise Invalid("some values are not acceptable", errors)
    return found


def readable(value: Any, wanted: Any) -> Any:
    """The result of :func:`convert`, or :data:`UNREADABLE`; skips the error analysis, so that trying many is cheap."""
    try:
        found = msgspec.convert(read(value, wanted, text=False), wanted)
    except (Invalid, msgspec.ValidationError):
        return UNREADABLE
    return found if next(_unbounded(found, ""), None) is None else UNREADABLE


def element_of(kind: Any, wanted: Any, value: list[Any]) -> Any:
    """The type of a list's elements; None if it is not a list, or ``value`` exceeds its maximum length."""
    if get_origin(kind) not in (list, tuple):
        return None
    most = longest(wanted)
    return get_args(kind)[0] if most is None or len(value) <= most else None


def member_of(kind: Any, wanted: Any, value: Mapping[str, Any]) -> Any:
    """The type of the values of an object of any names; None if it is none, or ``value`` has more than it may."""
    if get_origin(kind) is not dict:
        return None
    most = longest(wanted)
    return get_args(kind)[1] if most is None or len(value) <= most else None


def _unbounded(value: Any, path: str) -> Iterator[str]:
    """The paths of numbers that msgspec accepts and PostgreSQL does not: NaN, Infinity, 1e999, 2^64."""
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
def of(kind: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """The fields of a type, cached: msgspec re-evaluates the annotations each time, which takes as long as all other work of a
    listing."""
    return msgspec.structs.fields(kind)


@cache
def _open_fields(kind: type[msgspec.Struct]) -> tuple[tuple[str, str], ...]:
    """The fields of a type that can hold an unbounded number, by name and encoded name."""
    return tuple((f.name, f.encode_name) for f in of(kind) if _is_open(inspect.type_info(f.type)))


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
    kind = kind_of(wanted, value)
    found = False
    for error in _inside(value, kind, wanted, path, text):
        found = True
        yield error
    if found:
        return
    try:
        value = read(value, wanted, text=text)
        msgspec.convert(value, wanted)
    except Invalid as refused:
        error = refused.errors[0]
        yield _said(path, error.code, {**example(wanted), **error.params}, wanted, text)
    except msgspec.ValidationError:
        yield _fault(value, wanted, path, text)


def _inside(value: Any, kind: Any, wanted: Any, path: str, text: bool) -> Iterator[FieldError]:
    """The errors of an object's members or a list's elements. What is too long, a list or an object of any names, is not looked into."""
    if _is_struct(kind) and isinstance(value, dict):
        yield from _members(value, kind, path, text)
    elif isinstance(value, dict) and (member := member_of(kind, wanted, value)) is not None:
        for name, item in value.items():
            yield from _wrong(item, member, _join(path, one_line(name[:MAX_NAME])), text)
    elif isinstance(value, list) and (element := element_of(kind, wanted, value)) is not None:
        for index, item in enumerate(value):
            yield from _wrong(item, element, f"{path}[{index}]", text)


def _members(value: dict[str, Any], kind: Any, path: str, text: bool) -> Iterator[FieldError]:
    known = _fields(kind)
    for name, field in known.items():
        if name in value:
            yield from _wrong(value[name], field.type, _join(path, name), text)
        elif field.required:
            message = f"is required: {_expected(field.type, text, 'required')}"
            kinds = ", ".join(json_types(field.type))
            yield FieldError(_join(path, name), message, code="required", params={"expected": kinds})
    for name in value:
        if name not in known:
            yield unknown(_join(path, name[:MAX_NAME]), name, kind, value)


def unknown(path: str, name: str, kind: Any, given: Container[str] = ()) -> FieldError:
    """The error for a name that ``kind`` does not have: where it goes instead, or a suggestion among the names not ``given``."""
    reason = getattr(get_origin(kind) or kind, "ELSEWHERE", {}).get(name)
    if reason is not None:
        message = f"is not accepted here; {PLACES[reason]}"
        return FieldError(path, message, code="not-accepted", params={"reason": reason})
    message, params = meant.told(name, list(_fields(kind)), given)
    return FieldError(path, message, code="not-accepted", params=params)


@cache
def _fields(kind: Any) -> dict[str, Any]:
    return {} if kind is None else {field.encode_name: field for field in of(kind)}


def kind_of(wanted: Any, value: Any = None) -> Any:
    """The one type behind annotations and ``| None``; of several the object type, if ``value`` is an object."""
    while get_origin(wanted) is Annotated:
        wanted = get_args(wanted)[0]
    if get_origin(wanted) in (Union, types.UnionType):
        rest = [one for one in get_args(wanted) if one not in (types.NoneType, msgspec.UnsetType)]
        objects = [one for one in rest if _is_struct(kind_of(one))] if isinstance(value, dict) else []
        if len(rest) == 1 or len(objects) == 1:
            return kind_of((objects or rest)[0])
    return wanted


def _is_struct(kind: Any) -> bool:
    kind = get_origin(kind) or kind
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _fault(value: Any, wanted: Any, path: str, text: bool) -> FieldError:
    return _said(path or BODY, *fault(value, wanted), wanted, text)


def _said(path: str, code: str, params: Mapping[str, str], wanted: Any, text: bool) -> FieldError:
    more: Mapping[str, str] = own_words(wanted).get("params", {}).get(code, {})
    return FieldError(path, f"must be {_expected(wanted, text, code)}", code=code, params={**params, **more})


def _expected(wanted: Any, text: bool, code: str) -> str:
    """The expected value, in the field's own words if it has any."""
    words = own_words(wanted)
    own = words.get("message") or (words.get("kind") if code in OF_ANOTHER_KIND else None)
    if own is None:
        return expected(wanted, text=text)
    return str(own).removeprefix("must be ") + ("" if text else or_null(wanted))


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name

"""Conversion of values to types, with an error for each wrong field: what is expected there, not what a decoder found.

The happy path parses the texts once and calls msgspec once. Only on failure is the value walked along its type, field by
field, so that all errors are reported at once.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from itertools import islice
from typing import Any, get_origin

import msgspec

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.kernel.names import one_line
from harvestd.web import meant
from harvestd.web.reading import read
from harvestd.web.shapes import PLACES
from harvestd.web.type_descriptions import example, expected, fault, json_types, or_null, own_words
from harvestd.web.type_structure import element_of, fields_by_name, is_struct, kind_of, member_of, member_path
from harvestd.web.unbounded_numbers import unbounded

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
    too_large = islice(unbounded(found, ""), MAX)
    errors = tuple(FieldError(path, "is far too large a number", code="not-a-number") for path in too_large)
    if errors:
        raise Invalid("some values are not acceptable", errors)
    return found


def readable(value: Any, wanted: Any) -> Any:
    """The result of :func:`convert`, or :data:`UNREADABLE`; skips the error analysis, so that trying many is cheap."""
    try:
        found = msgspec.convert(read(value, wanted, text=False), wanted)
    except (Invalid, msgspec.ValidationError):
        return UNREADABLE
    return found if next(unbounded(found, ""), None) is None else UNREADABLE


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
    if is_struct(kind) and isinstance(value, dict):
        yield from _members(value, kind, path, text)
    elif isinstance(value, dict) and (member := member_of(kind, wanted, value)) is not None:
        for name, item in value.items():
            yield from _wrong(item, member, member_path(path, one_line(name[:MAX_NAME])), text)
    elif isinstance(value, list) and (element := element_of(kind, wanted, value)) is not None:
        for index, item in enumerate(value):
            yield from _wrong(item, element, f"{path}[{index}]", text)


def _members(value: dict[str, Any], kind: Any, path: str, text: bool) -> Iterator[FieldError]:
    known = fields_by_name(kind)
    for name, field in known.items():
        if name in value:
            yield from _wrong(value[name], field.type, member_path(path, name), text)
        elif field.required:
            message = f"is required: {_expected(field.type, text, 'required')}"
            kinds = ", ".join(json_types(field.type))
            yield FieldError(member_path(path, name), message, code="required", params={"expected": kinds})
    for name in value:
        if name not in known:
            yield unknown(member_path(path, name[:MAX_NAME]), name, kind, value)


def unknown(path: str, name: str, kind: Any, given: Container[str] = ()) -> FieldError:
    """The error for a name that ``kind`` does not have: where it goes instead, or a suggestion among the names not ``given``."""
    reason = getattr(get_origin(kind) or kind, "ELSEWHERE", {}).get(name)
    if reason is not None:
        message = f"is not accepted here; {PLACES[reason]}"
        return FieldError(path, message, code="not-accepted", params={"reason": reason})
    message, params = meant.told(name, list(fields_by_name(kind)), given)
    return FieldError(path, message, code="not-accepted", params=params)


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

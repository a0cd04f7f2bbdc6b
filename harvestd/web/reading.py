"""Texts in bodies and queries are parsed here, by the readers of the kernel, before msgspec checks types and bounds.

msgspec's own parsing accepts text that the contract does not (``"1_000"`` and ``"١"`` as decimals, ``2e1`` as an integer,
``TRUE``), and matches patterns as Python does, where ``$`` lets a line feed pass. So no shape uses msgspec's pattern:
:func:`form` declares the pattern of a text, and how it is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import Meta, inspect

from harvestd.kernel import readers
from harvestd.kernel.errors import Invalid

#: Takes a JSON value, returns it as is or typed; raises ``Invalid`` for a text of the wrong form.
Read = Callable[[Any], Any]


def form(
    pattern: str, read: Callable[[str, str], Any] | None = None, *, message: str = "", code: str = "wrong-form",
    kind: str = "", params: Mapping[str, Mapping[str, str]] | None = None, **more: Any,
) -> Meta:  # fmt: skip
    """The annotation of a text that fully matches ``pattern`` (one with the same meaning in Python and ECMA 262).

    ``read`` (field, text) parses it; without ``read`` the text is the value, and a mismatch has the error code ``code``.
    ``message``, ``kind`` and ``params`` are those of :func:`~harvestd.web.type_descriptions.own_words`. ``more`` goes to
    :class:`msgspec.Meta`.
    """
    whole = re.compile(pattern)

    def matched(field: str, text: str) -> str:
        if not whole.fullmatch(text):
            raise Invalid.of(field, "is not of the form that is taken here", code)
        return text

    schema = {"pattern": f"^(?:{pattern})$", **more.pop("extra_json_schema", {})}
    own = {"message": message, "kind": kind, "params": params}
    extra = {"read": read or matched, **{name: words for name, words in own.items() if words}}
    return Meta(extra_json_schema=schema, extra=extra, **more)


def read(value: Any, wanted: Any, *, text: bool) -> Any:
    """``value`` with its texts parsed by the types of ``wanted``; with ``text``, numbers and booleans are text, too."""
    found = _of_type(wanted, text)
    return value if found is None else found(value)


@cache
def _of_type(wanted: Any, text: bool) -> Read | None:
    return _of(inspect.type_info(wanted), text)


def _of(info: Any, text: bool) -> Read | None:
    if isinstance(info, inspect.Metadata):
        own = (info.extra or {}).get("read")
        return _leaf(own) if own else _of(info.type, text)
    if isinstance(info, inspect.StructType):
        return lambda value: _members(value, info.cls, text)
    if isinstance(info, inspect.UnionType):
        return _one_of([found for found in (_of(one, text) for one in info.types) if found])
    if isinstance(info, (inspect.ListType, inspect.VarTupleType)):
        return _elements(_of(info.item_type, text), info.max_length)
    known = _ALWAYS.get(type(info)) or (_OF_A_QUERY.get(type(info)) if text else None)
    return _leaf(known) if known else None


def _leaf(reader: Callable[[str, str], Any]) -> Read:
    return lambda value: reader("", value) if isinstance(value, str) else value


def _elements(each: Read | None, most: int | None) -> Read | None:
    if each is None:
        return None

    def read_all(value: Any) -> Any:
        sound = isinstance(value, list) and (most is None or len(value) <= most)
        return [each(one) for one in value] if sound else value  # msgspec refuses the others without parsing elements

    return read_all


def _one_of(found: list[Read]) -> Read | None:
    """A reader for a union: each type parses its own values, and leaves the others unchanged."""
    if len(found) < 2:
        return found[0] if found else None

    def read_each(value: Any) -> Any:
        for one in found:
            value = one(value)
        return value

    return read_each


def _members(value: Any, kind: type[msgspec.Struct], text: bool) -> Any:
    if not isinstance(value, dict):
        return value
    known = _fields(kind, text)
    return {name: known[name](one) if name in known else one for name, one in value.items()}


@cache
def _fields(kind: type[msgspec.Struct], text: bool) -> dict[str, Read]:
    found = ((field.encode_name, _of_type(field.type, text)) for field in msgspec.structs.fields(kind))
    return {name: one for name, one in found if one is not None}


def _float(field: str, text: str) -> float:
    return float(readers.decimal(field, text))


_ALWAYS: dict[type, Callable[[str, str], Any]] = {
    inspect.DecimalType: readers.decimal,
    inspect.DateType: readers.day,
    inspect.DateTimeType: readers.instant,
}
_OF_A_QUERY: dict[type, Callable[[str, str], Any]] = {
    inspect.IntType: readers.integer,
    inspect.FloatType: _float,
    inspect.BoolType: readers.boolean,
}

"""Texts in bodies and queries become values here, by the readers of the kernel, before msgspec looks at types and bounds.

msgspec's own reading of text takes what the contract does not (``"1_000"`` and ``"١"`` as decimals, ``2e1`` as an integer,
``TRUE``), and looks for a pattern as Python does, where ``$`` lets a line feed pass. So no shape has a pattern of msgspec's:
:func:`form` says what a text looks like, and how it is read.
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

#: A value of JSON in, the same or a typed one out; raises ``Invalid`` for a text that is not of its form.
Read = Callable[[Any], Any]


def form(
    pattern: str, read: Callable[[str, str], Any] | None = None, *, message: str = "", code: str = "wrong-form",
    kind: str = "", params: Mapping[str, Mapping[str, str]] | None = None, **more: Any,
) -> Meta:  # fmt: skip
    """The annotation of a text that matches ``pattern`` as a whole (one that Python and ECMA 262 understand alike).

    ``read`` (field, text) makes the value of it; without, the text is the value, and what is wrong with another is ``code``.
    ``message``, ``kind`` and ``params`` are those of :func:`~harvestd.web.type_descriptions.own_words`. ``more`` is of
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
    """``value`` with its texts read as ``wanted`` has them; with ``text``, numbers and booleans come as text, too."""
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
        return [each(one) for one in value] if sound else value  # msgspec refuses the rest without looking at any

    return read_all


def _one_of(found: list[Read]) -> Read | None:
    """Of the types that a value may have, each reads what is its own, and leaves the rest as it is."""
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

"""What the types of bodies and queries are made of: fields, elements, and what is behind annotations."""

from __future__ import annotations

import types
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from harvestd.web.type_descriptions import longest


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


@cache
def fields_of(kind: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """The fields of a type, cached: msgspec re-evaluates the annotations each time, which takes as long as all other work of a
    listing."""
    return msgspec.structs.fields(kind)


@cache
def fields_by_name(kind: Any) -> dict[str, Any]:
    """The fields of a type by the names that they are sent under; none without a type."""
    return {} if kind is None else {field.encode_name: field for field in fields_of(kind)}


def kind_of(wanted: Any, value: Any = None) -> Any:
    """The one type behind annotations and ``| None``; of several the object type, if ``value`` is an object."""
    while get_origin(wanted) is Annotated:
        wanted = get_args(wanted)[0]
    if get_origin(wanted) in (Union, types.UnionType):
        rest = [one for one in get_args(wanted) if one not in (types.NoneType, msgspec.UnsetType)]
        objects = [one for one in rest if is_struct(kind_of(one))] if isinstance(value, dict) else []
        if len(rest) == 1 or len(objects) == 1:
            return kind_of((objects or rest)[0])
    return wanted


def is_struct(kind: Any) -> bool:
    """Whether its values are objects of known fields."""
    kind = get_origin(kind) or kind
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def member_path(path: str, name: str) -> str:
    """The path of a member of the object at ``path``."""
    return f"{path}.{name}" if path else name

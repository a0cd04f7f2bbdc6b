"""Partial validation of an invalid body: its readable fields are checked against the market's rules as well, so that the client
gets all errors in one response."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.web import type_structure as structure
from harvestd.web import validation as fields

#: The errors of the readable fields by the market's rules. Each field is checked by itself, since any other may be missing.
Rules = Callable[[Mapping[str, Any]], Iterable[FieldError]]
#: The index of an element, and perhaps the path of its member, after the name of a list.
_ELEMENT = re.compile(r"\[([0-9]+)\](?:\.(.+))?")


def convert(value: Any, wanted: type[msgspec.Struct], rules: Rules | None) -> Any:
    """``value`` as ``wanted``; raises :class:`Invalid` with every unreadable field, and with the errors of ``rules`` for the others."""
    try:
        return fields.convert(value, wanted)
    except Invalid as refused:
        if rules is None or not isinstance(value, dict):
            raise
        named = {error.field for error in refused.errors}
        more = [error for error in rules(sound(value, wanted)) if error.field not in named]
        raise Invalid(refused.detail, (*refused.errors, *more)[: fields.MAX]) from refused


def sound(value: Mapping[str, Any], wanted: type[msgspec.Struct]) -> dict[str, Any]:
    """The readable fields, typed, by name; for an object or list that is not readable as a whole, its readable members and elements
    by path (``location.latitude``, ``lines[1]``, ``lines[2].quantity``)."""
    found: dict[str, Any] = {}
    for field in structure.fields_of(wanted):
        if field.encode_name in value:
            _gather(field.encode_name, value[field.encode_name], field.type, found)
    return found


def _gather(path: str, value: Any, wanted: Any, found: dict[str, Any]) -> None:
    whole = fields.readable(value, wanted)
    if whole is not fields.UNREADABLE:
        found[path] = whole
        return
    kind = structure.kind_of(wanted, value)
    if isinstance(value, dict) and isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        found |= {f"{path}.{name}": one for name, one in sound(value, kind).items()}
    elif isinstance(value, dict) and (member := structure.member_of(kind, wanted, value)) is not None:
        for name, one in value.items():
            _gather(f"{path}.{name}", one, member, found)
    elif isinstance(value, list) and (element := structure.element_of(kind, wanted, value)) is not None:
        for index, one in enumerate(value):
            _gather(f"{path}[{index}]", one, element, found)


def members(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The readable members of the object ``name``, from the fields of :func:`sound` or of a valid body. Empty if it is null or not
    an object."""
    if name in given:
        return _asdict(given[name]) or {}
    return {path[len(name) + 1 :]: one for path, one in given.items() if path.startswith(f"{name}.")}


def elements(given: Mapping[str, Any], name: str) -> dict[int, Any]:
    """Likewise the elements of the list ``name`` by index: for objects, their readable members."""
    if name in given:
        return {i: one if (whole := _asdict(one)) is None else whole for i, one in enumerate(given[name] or ())}
    found: dict[int, Any] = {}
    for path, one in given.items():
        place = _ELEMENT.fullmatch(path, len(name)) if path.startswith(name) else None
        if place is None:
            continue
        if place[2] is not None:
            found.setdefault(int(place[1]), {})[place[2]] = one
        else:
            found[int(place[1])] = one if (whole := _asdict(one)) is None else whole
    return found


def _asdict(value: Any) -> dict[str, Any] | None:
    """The members of a Struct by their JSON names; None for any other value."""
    if not isinstance(value, msgspec.Struct):
        return None
    return {field.encode_name: getattr(value, field.name) for field in structure.fields_of(type(value))}

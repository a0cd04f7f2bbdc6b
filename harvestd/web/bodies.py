"""Strict JSON: input that two parsers could interpret differently is refused.

RFC 8259 leaves duplicate names, lone surrogates and huge numbers to the parser; here they are errors. Numbers with a
fraction become ``Decimal``, so that 0.1 kg stays 0.1 kg; a whole number is an ``int`` in any notation (``250.0``), as in JSON
Schema. Decoding takes time linear in the number of bytes, for any input.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.kernel.readers import DIGITS
from harvestd.kernel.sentences import worded
from harvestd.kernel.told_values import Count
from harvestd.web.problems import Refusal
from harvestd.web.validation import MAX

#: Maximum nesting; no shape of the contract is deeper.
DEPTH = 64
#: Maximum number of lists and objects; no body needs more. Each takes a hundred times the memory of its two bytes.
MAX_CONTAINERS = 20_000
#: An escaped NUL or surrogate: only then is every text inspected.
_SUSPECT = re.compile(rb"\\u0000|\\u[dD][89a-fA-F]")
#: Maximum characters of a number that can be within any bounds.
_LONGEST = 3 * DIGITS
#: More digits than any number of the contract: only then is every whole number inspected.
_LONG = re.compile(rb"[0-9]{%d}" % (DIGITS + 1))
#: A JSON string, possibly unterminated.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.?+[^"\\]*+)*+(?:"|\Z)', re.DOTALL)
#: Translation to brackets of one kind, and deletion of all other bytes.
_BRACKETS, _NO_BRACKETS = bytes.maketrans(b"{}", b"[]"), bytes(set(range(256)) - set(b"[]{}"))
#: The place of a value: that of its container, and its name or index there. Formatted only for errors.
_Place = tuple[Any, "str | int"] | None


def decode(body: bytes) -> Any:
    """The JSON value. Raises a 400 for anything but one strict JSON value, ``Invalid`` naming the fields with a NUL in their
    text."""
    if not body.strip(b" \t\r\n"):
        raise Refusal("malformed", "the body is empty; send a JSON object")
    containers = body.count(b"[") + body.count(b"{")
    if containers > MAX_CONTAINERS:
        raise Refusal(
            "malformed", worded("the body has more than {most} lists and objects", most=Count(MAX_CONTAINERS))
        )
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refusal("malformed", worded("the body is not UTF-8 (byte {place})", place=error.start)) from error
    if text.startswith("\ufeff"):
        raise Refusal("malformed", "the body begins with a byte order mark; send UTF-8 without it")
    try:
        value = _DECODERS[_LONG.search(body) is not None].decode(text)
    except json.JSONDecodeError as error:
        detail = worded(
            "the body is not JSON: {why} (line {line}, column {column})",
            why=error.msg,
            line=error.lineno,
            column=error.colno,
        )
        raise Refusal("malformed", detail) from error
    except RecursionError as error:
        raise _too_deep() from error
    if containers > DEPTH and _is_too_deep(body):
        raise _too_deep()
    if _SUSPECT.search(body):
        inspect(value)
    return value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refusal(
            "malformed", worded("the body names {name} twice in one object", name=json.dumps(_twice(pairs)[:80]))
        )
    return found


def _twice(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            return name
        seen.add(name)
    return ""


def _number(text: str) -> int | Decimal:
    """A number with a fraction or an exponent. One beyond all bounds becomes infinite: validation then refuses it by its field's
    name, before any arithmetic."""
    if len(text) > _LONGEST:
        return _boundless(text)
    try:
        value = Decimal(text)
    except InvalidOperation:  # an exponent beyond Decimal's range
        return _boundless(text)
    whole = len(text) <= DIGITS and value.adjusted() < DIGITS and value == value.to_integral_value()
    return int(value) if whole else value


def _constant(name: str) -> Any:
    raise Refusal("malformed", worded("{name} is not JSON; send a number", name=name))


def _whole(text: str) -> int | Decimal:
    """A whole number, likewise."""
    return int(text) if len(text) <= DIGITS else _boundless(text)


def _boundless(text: str) -> Decimal:
    return Decimal("-Infinity" if text.startswith("-") else "Infinity")


_READ: dict[str, Any] = {"object_pairs_hook": _pairs, "parse_float": _number, "parse_constant": _constant}
#: By whether the body may contain a long number: a hook for each whole number costs time.
_DECODERS = {False: json.JSONDecoder(**_READ), True: json.JSONDecoder(**_READ, parse_int=_whole)}


def _too_deep() -> Refusal:
    return Refusal("malformed", worded("the body is nested more than {most} deep", most=DEPTH))


def _is_too_deep(body: bytes) -> bool:
    """Whether brackets of valid JSON remain after removing the innermost pairs :data:`DEPTH` times. Works on the bytes, since
    walking over a hundred thousand small lists takes longer than parsing them."""
    left = (_STRING.sub(b"", body) if b'"' in body else body).translate(_BRACKETS, _NO_BRACKETS)
    for _ in range(DEPTH):
        if not left:
            return False
        left = left.replace(b"[]", b"")
    return bool(left)


def nul(field: str) -> FieldError:
    """The fault of a text with a NUL, which PostgreSQL keeps in none."""
    return FieldError(field, "contains a NUL character (\\u0000); remove it", code="control-character")


def inspect(value: Any) -> None:
    """Raise a 400 for half a surrogate pair in a text of the value, ``Invalid`` naming the fields with a NUL in theirs."""
    errors: list[FieldError] = []
    for place, text in _texts(value):
        if _has_surrogate(text):
            raise Refusal(
                "malformed", worded("{field}: half of a surrogate pair is no character", field=_path(place) or "body")
            )
        if "\x00" in text and len(errors) < MAX:
            errors.append(nul(_path(place)))
    if errors:
        raise Invalid("some values are not acceptable", tuple(errors))


def _texts(value: Any) -> Iterator[tuple[_Place, str]]:
    """Every text in the value, including names, with its place."""
    waiting: list[tuple[_Place, Any]] = [(None, value)]
    while waiting:
        place, one = waiting.pop()
        if isinstance(one, str):
            yield place, one
        elif isinstance(one, dict):
            for name in one:
                yield place, name
            waiting += (((place, name), member) for name, member in reversed(one.items()))
        elif isinstance(one, list):
            waiting += (((place, i), one[i]) for i in range(len(one) - 1, -1, -1))


def _path(place: _Place) -> str:
    """The place as ``lines[0].quantity``; very long names are truncated."""
    steps: list[str] = []
    while place is not None:
        place, step = place
        steps.append(f"[{step}]" if isinstance(step, int) else f".{step[:80]}")
    return "".join(reversed(steps)).removeprefix(".")


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False

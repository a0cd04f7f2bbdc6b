"""JSON as strictly as a contract needs it: what two readers could understand differently is refused.

RFC 8259 leaves duplicate names, lone surrogates and huge numbers to the reader; here they are errors. Numbers with a
fraction or an exponent become ``Decimal``, so that 0.1 kg stays 0.1 kg.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from harvestd.market.errors import FieldError, Invalid
from harvestd.web.problems import Refusal

#: Deeper nesting than any shape of the contract has.
DEPTH = 64
#: What makes a look at every text necessary: an escaped NUL or surrogate.
_SUSPECT = re.compile(rb"\\u0000|\\u[dD][89a-fA-F]")
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|([\[{])|([\]}])')


def decode(body: bytes) -> Any:
    """The JSON value. Raises a 400 for what is not one value of strict JSON, ``Invalid`` naming the fields whose text has
    a NUL."""
    if not body.strip(b" \t\r\n"):
        raise Refusal("malformed", "the body is empty; send a JSON object")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refusal("malformed", f"the body is not UTF-8 (byte {error.start})") from error
    if _too_deep(body):
        raise Refusal("malformed", f"the body is nested more than {DEPTH} deep")
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Refusal("malformed", f"the body is not JSON: {error.msg} ({where})") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits
        raise Refusal("malformed", "the body is not JSON that can be read: a value is out of all bounds") from error
    if _SUSPECT.search(body):
        _inspect(value)
    return value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Refusal("malformed", f"the body names {json.dumps(twice[:80])} twice in one object")
    return found


def _constant(name: str) -> Any:
    raise Refusal("malformed", f"{name} is not JSON; send a number")


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_float=Decimal, parse_constant=_constant)


def _too_deep(body: bytes) -> bool:
    if body.count(b"[") + body.count(b"{") <= DEPTH:
        return False
    depth = 0
    for found in _BRACKETS.finditer(body):
        if found[1]:
            depth += 1
            if depth > DEPTH:
                return True
        elif found[2]:
            depth -= 1
    return False


def _inspect(value: Any) -> None:
    errors: list[FieldError] = []
    for path, text in _texts(value, ""):
        if _surrogate(text):
            raise Refusal("malformed", f"{path or 'the body'} has half of a surrogate pair, which is no character")
        if "\x00" in text:
            errors.append(FieldError(path, "has a NUL character (\\u0000); remove it"))
    if errors:
        raise Invalid("some values are not acceptable", tuple(errors))


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield path, name
            yield from _texts(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from _texts(element, f"{path}[{index}]")
    elif isinstance(value, str):
        yield path, value


def _surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False

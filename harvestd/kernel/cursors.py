"""Cursors for keyset pagination: the start of the next page of a list, as opaque text.

A cursor holds its sort and the key of the last row shown. It is neither secret nor authorizing: a made-up cursor gives a page
that its caller could have requested anyway.
"""

from __future__ import annotations

import base64
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import msgspec

from harvestd.kernel import readers
from harvestd.kernel.errors import Invalid

MAX = 1024
#: A part of a key that PostgreSQL compares with an ``integer``; ``int`` is a ``bigint``.
Int4 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
_INTEGER = range(readers.MIN_INTEGER, readers.MAX_INTEGER + 1)


def encode(sort: str, *key: Any) -> str:
    """The cursor of the row with ``key`` (str, int, Decimal, datetime, bool, None) in the list sorted by ``sort``."""
    packed = msgspec.msgpack.encode([sort, *key])
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def decode(cursor: str, sort: str, *types: Any, of: str = "list and sort") -> tuple[Any, ...]:
    """The key, each part of its type (for an id, ``UUID``, which is returned as str), within PostgreSQL's ranges.

    Raises ``Invalid`` on the field ``after`` for anything that :func:`encode` could not have made for this sort.
    """
    try:
        found: list[Any] = msgspec.msgpack.decode(opened(cursor), type=list)
        if len(found) != 1 + len(types) or found[0] != sort:
            raise ValueError
        return tuple(_part(value, kind) for value, kind in zip(found[1:], types, strict=True))
    except (ValueError, TypeError, OverflowError, RecursionError, msgspec.MsgspecError, Invalid) as error:
        raise refused(of) from error


def opened(cursor: str) -> bytes:
    """The packed bytes of a cursor; raises ``ValueError`` for other text."""
    if len(cursor) > MAX:
        raise ValueError("longer than any cursor")
    return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)


def refused(of: str) -> Invalid:
    """The error for a text that is not a cursor ``of`` this list, or search."""
    return Invalid.of("after", f"is not a cursor of this {of}; take the next of a page, or leave it out", "bad-cursor")


def _part(value: Any, kind: Any) -> Any:
    if kind in _TEXTS and isinstance(value, str):
        return _TEXTS[kind]("after", value)
    if kind in _TEXTS:
        raise ValueError(kind)
    part = msgspec.convert(value, kind)
    sound = (
        (isinstance(part, int) and part in _INTEGER)
        or (isinstance(part, str) and "\x00" not in part)
        or (isinstance(part, datetime) and part.tzinfo is not None)
        or (isinstance(part, float) and part == part and abs(part) != float("inf"))
        or part is None
    )
    if not sound:
        raise ValueError(kind)
    return part


#: Types of parts that are packed as text.
_TEXTS: dict[Any, Any] = {UUID: readers.id, Decimal: readers.decimal}

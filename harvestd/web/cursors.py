"""Keyset cursors: where the next page of a list begins, as opaque text.

A cursor holds the sort it belongs to and the key of the last row shown. It is no secret and no authority: whoever makes one
up gets a page that they could have asked for anyway.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from harvestd.market.errors import Invalid
from harvestd.market.slugs import is_id

MOST = 1024
_INTEGER = range(-(2**63), 2**63)


def encode(sort: str, *key: Any) -> str:
    """The cursor of the row with ``key`` (str, int, Decimal, datetime, bool, None) in the list sorted by ``sort``."""
    packed = msgspec.msgpack.encode([sort, *key])
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def decode(cursor: str, sort: str, *types: Any) -> tuple[Any, ...]:
    """The key again, each part of its type (for an id, ``UUID``, which comes back as str).

    Raises ``Invalid`` on the field ``after`` for anything that :func:`encode` did not make for this sort.
    """
    try:
        if len(cursor) > MOST:
            raise ValueError
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found: list[Any] = msgspec.msgpack.decode(packed, type=list)
        if len(found) != 1 + len(types) or found[0] != sort:
            raise ValueError
        return tuple(_part(value, kind) for value, kind in zip(found[1:], types, strict=True))
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error, msgspec.MsgspecError) as error:
        raise Invalid.of(
            "after", "is not a cursor of this list and sort; take `next` of a page, or leave it out"
        ) from error


def _part(value: Any, kind: Any) -> Any:
    if kind is UUID:
        if not (isinstance(value, str) and is_id(value)):
            raise ValueError(kind)
        return value
    part = msgspec.convert(value, kind)
    sound = (
        (isinstance(part, int) and part in _INTEGER)
        or (isinstance(part, str) and "\x00" not in part)
        or (isinstance(part, Decimal) and part.is_finite())
        or (isinstance(part, datetime) and part.tzinfo is not None)
        or (isinstance(part, float) and part == part and abs(part) != float("inf"))
        or part is None
    )
    if not sound:
        raise ValueError(kind)
    return part

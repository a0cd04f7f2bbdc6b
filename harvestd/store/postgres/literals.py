"""Python values as PostgreSQL literals, and rows as Python values, where psycopg2's defaults do not fit."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import psycopg2
from psycopg2 import extensions, extras

_BYTES = extensions.new_type((17,), "BYTES", lambda value, cursor: _bytes(value, cursor))
_BYTES_ARRAY = extensions.new_array_type((1001,), "BYTES[]", _BYTES)
_UUIDS = extensions.new_array_type((2951,), "UUID[]", extensions.UNICODE)


_encoder = msgspec.json.Encoder(enc_hook=str)


def _bytes(value: Any, cursor: Any) -> bytes | None:
    return None if value is None else bytes(psycopg2.BINARY(value, cursor))


def teach(connection: Any) -> None:
    """Make a psycopg2 connection return bytea as bytes, uuid[] as a list of str, and JSON by the faster decoder."""
    for kind in (_BYTES, _BYTES_ARRAY, _UUIDS):
        extensions.register_type(kind, connection)
    extras.register_default_json(connection, loads=msgspec.json.decode)
    extras.register_default_jsonb(connection, loads=msgspec.json.decode)


def bind(value: Any) -> Any:
    """A value for psycopg2 to quote: lists become array literals (one-dimensional) and dicts JSON, both of the
    parameter's type. Text with a NUL, which PostgreSQL cannot hold, raises ``ValueError``."""
    if isinstance(value, (list, tuple)):
        value = "{" + ",".join(_element(v) for v in value) + "}"
    elif isinstance(value, dict):
        value = _json(value)
    if isinstance(value, str) and "\0" in value:
        raise ValueError("text for the database has a NUL character in it, which PostgreSQL cannot hold")
    return value


def _element(value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, (int, float, Decimal)):
        return str(value)
    if isinstance(value, (date, datetime)):
        return f'"{value.isoformat()}"'
    if isinstance(value, bytes):
        return f'"\\\\x{value.hex()}"'
    return _quoted(_json(value) if isinstance(value, (dict, list, tuple)) else str(value))


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _json(value: Any) -> str:
    text = _encoder.encode(value).decode()
    if "\\u0000" in text and "\\u0000" in text.replace("\\\\", ""):
        raise ValueError("JSON for the database has a NUL character in it, which PostgreSQL cannot hold")
    return text

"""The time, and fresh ids, as every part gets them."""

from __future__ import annotations

from datetime import UTC, datetime

from uuid_utils import uuid7


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """A fresh UUIDv7."""
    return str(uuid7())

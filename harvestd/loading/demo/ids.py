"""Ids of the demo's people and their products: the same in every market, so that the examples in the contract refer to
rows that exist."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import count
from uuid import UUID

#: The first millisecond of 2026, which the ids give as their creation time.
_MADE = 1_767_225_600_000


def demo_ids(name: str) -> Iterator[str]:
    """UUIDv7s (RFC 9562, 5.7) whose random bits are a digest of ``name`` and a counter."""
    for number in count():
        digest = hashlib.sha256(f"{name}:{number}".encode()).digest()
        bits = int.from_bytes(digest[:10], "big")
        value = _MADE << 80 | bits
        value = value & ~(0xF << 76) | 7 << 76
        value = value & ~(0b11 << 62) | 0b10 << 62
        yield str(UUID(int=value))

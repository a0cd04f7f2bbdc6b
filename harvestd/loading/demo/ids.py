"""Ids of the demo's people and of what they sell: the same in every market, so that the contract's examples name things
that are there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import count
from uuid import UUID

#: The first millisecond of 2026, which they say that they were made in.
_MADE = 1_767_225_600_000


def demo_ids(name: str) -> Iterator[str]:
    """UUIDv7s (RFC 9562, 5.7) whose random bits are the digest of ``name`` and their number."""
    for number in count():
        digest = hashlib.sha256(f"{name}:{number}".encode()).digest()
        bits = int.from_bytes(digest[:10], "big")
        value = _MADE << 80 | bits
        value = value & ~(0xF << 76) | 7 << 76
        value = value & ~(0b11 << 62) | 0b10 << 62
        yield str(UUID(int=value))

"""Slugs: the readable names in addresses, such as ``green-acres`` for a farm. A slug, once given, stays."""

from __future__ import annotations

import re
import unicodedata

_NOT_WORD = re.compile(r"[^a-z0-9]+")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def slug(name: str, distinction: str = "") -> str:
    """ASCII words joined by hyphens, at most 60 characters, then ``distinction`` (the end of an id)."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = _NOT_WORD.sub("-", plain).strip("-")[:60].strip("-") or "n"
    return f"{words}-{distinction}" if distinction else words


def is_id(token: str) -> bool:
    """Whether a path segment is an id (a UUID in its canonical form) and not a slug."""
    return _UUID.fullmatch(token) is not None

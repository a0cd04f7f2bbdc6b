"""Keys of blobs: made of ids and fixed names, never of anything that people write. Pure."""

from __future__ import annotations

import re

_KEY = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[a-z0-9]{1,20}\.[a-z0-9]{1,5}")


def of(blob_id: str, name: str) -> str:
    """The key of a blob: its id and its name, such as ``small.webp``. Raises ``ValueError`` for anything else."""
    return checked(f"{blob_id}.{name}")


def parts(key: str) -> tuple[str, str]:
    """The id and the name in a key."""
    blob_id, _, name = checked(key).partition(".")
    return blob_id, name


def is_key(text: str) -> bool:
    """Whether a text is a key."""
    return _KEY.fullmatch(text) is not None


def checked(key: str) -> str:
    """The key itself. Raises ``ValueError`` if it is none: it becomes the name of a file."""
    if not is_key(key):
        raise ValueError(f"{key[:80]!r} is no key of a blob")
    return key

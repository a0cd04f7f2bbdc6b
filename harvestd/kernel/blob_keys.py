"""Keys of blobs: made of ids and fixed names, never of anything that people write. Pure."""

from __future__ import annotations

import re

_KEY = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[a-z0-9]{1,20}\.[a-z0-9]{1,5}")


#: How the names begin of what anyone may read who knows its address: a web server reads it in the folder, without asking.
PUBLIC = "media"
#: Characters of an id that name its folder: the last, since ids of the same moment begin alike.
SHARD = 2


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


def is_public(key: str) -> bool:
    """Whether anyone may read it who knows its address."""
    return parts(key)[1].startswith(PUBLIC)


def place(key: str) -> str:
    """Where it is, below the folder of blobs; of what is public also its address below this server's, after a ``/``."""
    blob_id, _ = parts(key)
    return f"{PUBLIC}/{blob_id[-SHARD:]}/{key}" if is_public(key) else f"{blob_id[-SHARD:]}/{key}"


#: Media types by suffix: what there is beside these is a file.
_TYPES = {"webp": "image/webp", "jpg": "image/jpeg", "png": "image/png", "avif": "image/avif", "pdf": "application/pdf"}


def media_type(key: str) -> str:
    """The media type that its name says, for a store whose files have one."""
    return _TYPES.get(checked(key).rpartition(".")[2], "application/octet-stream")

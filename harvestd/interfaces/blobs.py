"""Blobs: files of people, and what was made of them, kept outside of the database."""

from __future__ import annotations

from datetime import datetime
from typing import IO

import attrs
from zope.interface import Interface


@attrs.frozen
class StoredBlob:
    """A blob that is there; ``place`` is where a listing goes on after it."""

    key: str
    place: str
    modified_at: datetime


class NoSuchBlob(Exception):
    """There is nothing under this key."""


class IBlobs(Interface):
    """Keeps immutable content by key (``blob_keys.of``). A blob counts once its row is committed (``store/blobs/rows.py``): it is put before
    that, and deleted after its row says so, so nothing here is part of a transaction. Methods raise ``Unavailable`` while the
    store is out of reach."""

    async def put(key: str, content: IO[bytes]) -> None:
        """Keep ``content``, read from its beginning, durably; what is there under the key is replaced, as a whole."""

    async def read(key: str, most: int) -> bytes:
        """All of it, of ``most`` bytes at most. Raises :class:`NoSuchBlob`, and ``ValueError`` if it has more."""

    async def open(key: str) -> IO[bytes]:
        """A file to read it from, which the caller closes. Raises :class:`NoSuchBlob`."""

    async def has(key: str) -> bool:
        """Whether there is something under the key."""

    async def delete(key: str) -> None:
        """Delete it; nothing happens if it is not there."""

    async def listed(after: str, limit: int) -> list[StoredBlob]:
        """What is there after a place ("" is the beginning), in the order of the places' bytes, up to ``limit``."""

    async def unfinished(before: datetime) -> list[str]:
        """What puts left unfinished before a time, as people find it there: some of it, if it is much."""

    async def tidy(before: datetime) -> None:
        """Remove what puts left unfinished before a time."""

    def address(key: str) -> str:
        """Where a browser reads it without this server, which is for what is public alone; "" if nowhere."""

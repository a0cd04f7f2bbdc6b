"""The folder of blobs against their rows, as ``harvestctl check`` looks at both: whatever is in one alone, but for what is under way. Blocks.

The sweep of the workers puts both right, an hour after whatever left them apart; what is older than that is a fault of its own.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg2

from harvestd.kernel import blob_keys
from harvestd.store.blobs.folder import UNFINISHED, path_of, shards
from harvestd.store.postgres.invariants import SHOWN, Violation

#: Seconds after which the sweep has dealt with a file: its grace and its period, and one period more.
OLD = 3 * 3600.0
#: Blobs that are looked at in one go.
BATCH = 500
STRAY = "a file in the folder of blobs that has no row, and was not swept for three hours"
MISSING = "a blob that has no file in the folder of blobs"
DAMAGED = "a blob whose file is not what was put there"
#: What is looked at.
RULES = (STRAY, MISSING)
_KNOWN = "select id::text || '.' || name from blobs where id::text || '.' || name = any(%s) and id = any(%s::uuid[])"
_LIVE = "select id::text, name, kind from blobs where state = 'live' order by id, name"
_WHOLE = "select id::text, name, kind, size, sha256 from blobs where state = 'live' order by id, name"
_STILL = "select 1 from blobs where id = %s and name = %s and state = 'live'"


def compared(url: str, folder: Path, content: bool = False) -> Iterator[Violation]:
    """What is in one alone, a violation for each of :data:`RULES` that is broken; and with ``content`` what differs, which reads every file.
    Raises ``OSError`` and ``psycopg2.Error``."""
    connection = psycopg2.connect(url, application_name="harvestctl-check")
    try:
        connection.set_session(autocommit=True, readonly=True)
        with connection.cursor() as cursor:
            for rule, columns, found in (
                (STRAY, ("file",), _strays(cursor, folder)),
                (MISSING, ("id", "name", "kind"), _missing(cursor, folder)),
                (DAMAGED, ("id", "name", "kind"), _damaged(cursor, folder) if content else iter(())),
            ):
                first = tuple(islice(found, SHOWN))
                if first:
                    yield Violation(rule, len(first) + sum(1 for _ in found), columns, first)
    finally:
        connection.close()


def _strays(cursor: Any, folder: Path) -> Iterator[tuple[str]]:
    old = _old(folder)
    while files := list(islice(old, BATCH)):
        keys = [path.name for path in files if blob_keys.is_key(path.name)]
        cursor.execute(_KNOWN, (keys, [blob_keys.parts(key)[0] for key in keys]))
        known = {key for (key,) in cursor.fetchall()}
        yield from ((str(path),) for path in files if path.name not in known)


def _old(folder: Path) -> Iterator[Path]:
    """Files of the store that were written long ago; what else is there is none of ours."""
    before = time.time() - OLD
    for _, shard in shards(folder):
        for path in sorted(shard.iterdir()):
            if blob_keys.is_key(path.name) or path.name.startswith(UNFINISHED):
                with suppress(FileNotFoundError):  # deleted meanwhile
                    if path.stat().st_mtime < before:
                        yield path


def _missing(cursor: Any, folder: Path) -> Iterator[tuple[str, str, str]]:
    """Files are there before their rows, and go after these say so: whatever has gone meanwhile is asked for again."""
    cursor.execute(_LIVE)
    for blob_id, name, kind in cursor.fetchall():
        if not path_of(folder, blob_keys.of(blob_id, name)).exists():
            cursor.execute(_STILL, (blob_id, name))
            if cursor.fetchone() is not None:
                yield blob_id, name, kind


def _damaged(cursor: Any, folder: Path) -> Iterator[tuple[str, str, str]]:
    """Files never change, so one whose size or digest differs was damaged, or is another's."""
    cursor.execute(_WHOLE)
    for blob_id, name, kind, size, digest in cursor.fetchall():
        with suppress(FileNotFoundError), path_of(folder, blob_keys.of(blob_id, name)).open("rb") as file:
            if os.fstat(file.fileno()).st_size != size or hashlib.file_digest(file, "sha256").hexdigest() != digest:
                yield blob_id, name, kind

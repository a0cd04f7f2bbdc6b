"""The store of blobs against their rows, as ``harvestctl check`` looks at both: whatever is in one alone, but for what is under way.

The sweep of the workers puts both right, an hour after whatever left them apart; what is older than that is a fault of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import IO, Any

import attrs
import psycopg2
from twisted.internet.threads import deferToThread

from harvestd.interfaces import IBlobs, NoSuchBlob, StoredBlob
from harvestd.store.blobs import rows
from harvestd.store.blobs.merging import beside
from harvestd.store.blobs.rows import Placed
from harvestd.store.postgres.invariants import SHOWN, Violation

#: Time after which the sweep has dealt with a thing: its grace and its period, and one period more.
OLD = timedelta(hours=3)
STRAY = "a file in the store of blobs that has no row, and was not swept for three hours"
MISSING = "a blob that has no file in the store of blobs"
DAMAGED = "a blob whose file is not what was put there"
#: What is looked at.
RULES = (STRAY, MISSING)
_KNOWN = "select 1 from blobs where id = %s and name = %s"
_STILL = "select 1 from blobs where id = %s and name = %s and state = 'live'"
_PLACED = rows.PLACED.format(after="%(after)s", limit="%(limit)s")
_COLUMNS = {STRAY: ("file",), MISSING: ("id", "name", "kind"), DAMAGED: ("id", "name", "kind")}


async def compared(url: str, blobs: IBlobs, content: bool = False) -> list[Violation]:
    """What is in one alone, a violation for each of :data:`RULES` that is broken; and with ``content`` what differs, which reads every file.
    Raises ``Unavailable`` and ``psycopg2.Error``."""
    asked = await deferToThread(_Rows, url)
    try:
        found = _Found(asked, blobs, datetime.now(UTC) - OLD, content)
        for left in await blobs.unfinished(found.before):
            found.tell(STRAY, (left,))
        async for row, thing in beside(asked.placed, blobs):
            await found.look(row, thing)
        return found.violations()
    finally:
        await deferToThread(asked.close)


class _Rows:
    """Rows by psycopg2, which blocks, so each question is a thread's."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg2.connect(url, application_name="harvestctl-check")
        self._connection.set_session(autocommit=True, readonly=True)

    async def placed(self, after: str, limit: int) -> list[Placed]:
        """A page of rows."""
        found: Iterable[Any] = await self._asked(_PLACED, {"after": after, "limit": limit})
        return [Placed(*row) for row in found]

    async def any(self, sql: str, blob_id: str, name: str) -> bool:
        """Whether there is such a row."""
        return bool(await self._asked(sql, (blob_id, name)))

    async def _asked(self, sql: str, given: Any) -> Any:
        def ask() -> list[Any]:
            with self._connection.cursor() as cursor:
                cursor.execute(sql, given)
                return list(cursor.fetchall())

        return await deferToThread(ask)

    def close(self) -> None:
        """Let the database go."""
        self._connection.close()


@attrs.define
class _Found:
    """What was found so far: how much of each rule, and the first of it."""

    rows: _Rows
    blobs: IBlobs
    before: datetime
    content: bool
    count: dict[str, int] = attrs.field(factory=lambda: dict.fromkeys(_COLUMNS, 0))
    first: dict[str, list[tuple[Any, ...]]] = attrs.field(factory=lambda: {rule: [] for rule in _COLUMNS})

    async def look(self, row: Placed | None, thing: StoredBlob | None) -> None:
        """Look at one of each, or of one alone. Files are there before their rows, and go after these say so: both are asked for again."""
        if row is None:
            assert thing is not None
            blob_id, _, name = thing.key.partition(".")
            if thing.modified_at < self.before and not await self.rows.any(_KNOWN, blob_id, name):
                self.tell(STRAY, (thing.place,))
        elif thing is None:
            if row.state == "live" and not await self.blobs.has(row.key) and await self.rows.any(_STILL, row.id, row.name):  # fmt: skip
                self.tell(MISSING, (row.id, row.name, row.kind))
        elif self.content and row.state == "live" and await self._damaged(row):
            self.tell(DAMAGED, (row.id, row.name, row.kind))

    async def _damaged(self, row: Placed) -> bool:
        """Files never change, so one whose size or digest differs was damaged, or is another's."""
        try:
            file = await self.blobs.open(row.key)
        except NoSuchBlob:
            return False
        with file:
            size, digest = await deferToThread(_read, file)
        return (size, digest) != (row.size, row.sha256)

    def tell(self, rule: str, cells: tuple[Any, ...]) -> None:
        """Count one more."""
        self.count[rule] += 1
        if len(self.first[rule]) < SHOWN:
            self.first[rule].append(cells)

    def violations(self) -> list[Violation]:
        """A violation for each rule that is broken."""
        return [
            Violation(rule, self.count[rule], columns, tuple(self.first[rule]))
            for rule, columns in _COLUMNS.items()
            if self.count[rule]
        ]


def _read(file: IO[bytes]) -> tuple[int, str]:
    digest = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]
    return file.tell(), digest.hexdigest()

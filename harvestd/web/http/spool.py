"""A spooled request body: in memory while small, then in a temporary file (in the system's temporary directory)."""

from __future__ import annotations

import errno
from io import BytesIO
from tempfile import TemporaryFile
from typing import IO

from harvestd.web.http.admission import Admission

#: Bytes of a body kept in memory: enough for most requests, and small enough for thousands that never complete.
IN_MEMORY = 65_536


class Body:
    """A file object as Twisted expects it. ``held`` is the number of bytes in memory; ``host`` is whose body it is, and ``length`` how long it
    will be, if that is known: room for all of it is taken at once, so that of many that come together some come through."""

    def __init__(self, admission: Admission, host: str = "", length: int | None = None) -> None:
        self._admission = admission
        self._host = host
        self._length = length or 0
        self._size = self._spooled = 0
        self._file: IO[bytes] = BytesIO()
        self._on_disk = False
        self.held = 0

    def write(self, data: bytes) -> None:
        """Append. Raises ``OSError`` when the disk is full or no file descriptor is left."""
        self._size += len(data)
        if not self._on_disk and self._size > IN_MEMORY:
            self._move()
        if self._on_disk:
            self._take_room()
        self._file.write(data)
        if not self._on_disk:
            self.held += len(data)

    def _take_room(self) -> None:
        more = max(self._length, self._size) - self._spooled
        if more > 0 and not self._admission.spool(self._host, more):
            raise OSError(errno.EDQUOT, "bodies take all the room that they may")
        self._spooled += max(more, 0)

    def _move(self) -> None:
        if not self._admission.room():
            raise OSError(errno.EMFILE, "no descriptor is left for a file")
        self._take_room()
        disk = TemporaryFile()
        disk.write(self._file.getvalue())  # type: ignore[attr-defined]
        self._admission.files += 1
        self._file, self._on_disk, self.held = disk, True, 0

    def seek(self, offset: int) -> int:
        """Seek to ``offset``."""
        return self._file.seek(offset)

    def read(self, size: int = -1) -> bytes:
        """Read up to ``size`` bytes, or to the end."""
        return self._file.read(size)

    @property
    def closed(self) -> bool:
        """Whether the file is closed."""
        return self._file.closed

    def close(self) -> None:
        """Free the memory, or the disk space and descriptor; idempotent."""
        if self._on_disk and not self._file.closed:
            self._admission.files -= 1
        self._file.close()
        self._admission.spool(self._host, -self._spooled)
        self.held = self._spooled = 0

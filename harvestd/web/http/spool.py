"""A request's body as it comes: in memory as long as it is small, then in a temporary file (the system's folder for those)."""

from __future__ import annotations

import errno
from io import BytesIO
from tempfile import TemporaryFile
from typing import IO

from harvestd.web.http.admission import Admission

#: Bytes of a body that are kept in memory: more than most requests have, and little enough for thousands that never end.
IN_MEMORY = 65_536


class Body:
    """A file as Twisted wants one. ``held`` is how many bytes of it are in memory."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._file: IO[bytes] = BytesIO()
        self._on_disk = False
        self.held = 0

    def write(self, data: bytes) -> None:
        """Append. ``OSError`` when the disk is full, or no descriptor is left."""
        if not self._on_disk and self.held + len(data) > IN_MEMORY:
            self._move()
        self._file.write(data)
        if not self._on_disk:
            self.held += len(data)

    def _move(self) -> None:
        if not self._admission.room():
            raise OSError(errno.EMFILE, "no descriptor is left for a file")
        disk = TemporaryFile()
        disk.write(self._file.getvalue())  # type: ignore[attr-defined]
        self._admission.files += 1
        self._file, self._on_disk, self.held = disk, True, 0

    def seek(self, offset: int) -> int:
        """To the beginning."""
        return self._file.seek(offset)

    def read(self) -> bytes:
        """The rest of it."""
        return self._file.read()

    @property
    def closed(self) -> bool:
        """Whether it was given back."""
        return self._file.closed

    def close(self) -> None:
        """Give memory, or disk and descriptor, back; the second time nothing."""
        if self._on_disk and not self._file.closed:
            self._admission.files -= 1
        self._file.close()
        self.held = 0

"""One daemon per folder: an flock that ends with the process, however it ends, on a file that names the holder."""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

from harvestd.store.embedded.cluster import EmbeddedError


class FolderLock:
    """The file ``lock`` in ``folder``; taking it may block for a tenth of a second. It is never deleted: a lock on a
    deleted file would exclude nobody."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self._folder = folder
        self._descriptor = -1

    def take(self) -> None:
        """Take it, or raise :class:`EmbeddedError` naming the holder."""
        if self._descriptor >= 0:
            return
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _lock(descriptor)
        except BlockingIOError as error:
            holder = _read(descriptor).get("pid", "unknown")
            os.close(descriptor)
            raise EmbeddedError(
                f"{self._folder} is in use by the harvestd of process {holder}: stop that one (kill {holder}), "
                "or set data_dir to another folder"
            ) from error
        self._descriptor = descriptor
        self.tell({})

    def tell(self, more: dict[str, Any]) -> None:
        """Write information for other processes: this process, and ``more``."""
        text = json.dumps({"pid": os.getpid(), **more}).encode()
        os.pwrite(self._descriptor, text, 0)
        os.ftruncate(self._descriptor, len(text))

    def told(self) -> dict[str, Any] | None:
        """The information of the holder, or None if the lock is free. Raises ``OSError`` when it cannot be read."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read(descriptor)
        else:
            return None
        finally:
            os.close(descriptor)

    def release(self) -> None:
        """Release it."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = -1


def _lock(descriptor: int) -> None:
    for _ in range(5):  # a process that only reads it holds it for a moment
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _read(descriptor: int) -> dict[str, Any]:
    try:
        value = json.loads(os.pread(descriptor, 65536, 0))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}

"""Which daemon runs the embedded database of a data folder, as the lock in the folder tells."""

from __future__ import annotations

import os
from pathlib import Path

import attrs

from harvestd.store.embedded.cluster import of_the_system
from harvestd.store.embedded.folder_lock import FolderLock


def kept(data_dir: str) -> bool:
    """Whether the folder has an embedded database, or a process is creating one there."""
    return os.path.lexists(Path(data_dir) / "postgres") or running(data_dir) is not None


@attrs.frozen
class Running:
    """The daemon that holds a data folder: its process, and the URL of its database, None while that starts."""

    pid: int | None
    url: str | None


def running(data_dir: str) -> Running | None:
    """The daemon that runs the folder's embedded database, or None. Raises :class:`EmbeddedError` without permission to read that."""
    folder = Path(data_dir).absolute()
    try:
        told = FolderLock(folder).told()
    except OSError as error:
        raise of_the_system(error, folder) from error
    return None if told is None else Running(told.get("pid"), told.get("url"))

"""Doctor's checks of the folders that a market writes to.

Each function blocks, and yields findings: one line each, with a cure if something is wrong.
"""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harvestd.ctl.check_result import CheckResult
from harvestd.settings.table import Settings
from harvestd.store.blobs.folder import folder_of

#: The minimum free space, in bytes; less is a finding.
MIN_SPACE = 512 * 1024 * 1024
#: Bytes written to test for free space.
PROBE = 65536
#: The cure for each file system error.
WRITING = {
    0: "mend its owner and mode, or set data_dir to another folder",
    errno.ENOSPC: "its disk is full: free some space, or set data_dir to a folder on another disk",
    errno.EDQUOT: "its owner's quota is used up: raise it, free some space, or set data_dir to another folder",
    errno.EROFS: "its disk is mounted read-only: look at the system's log for why, and mount it anew",
}


def _write(folder: Path) -> None:
    """Write a file there that is gone at once; raises ``OSError``."""
    with tempfile.TemporaryFile(dir=folder) as probe:
        probe.write(b"x" * PROBE)
        probe.flush()


def data_folder(settings: Settings) -> Iterator[CheckResult]:
    """Check that the folder exists, is writable, and has free space."""
    path = Path(settings.data_dir)
    if not path.is_dir():
        cure = "name the market's folder with --data-dir or data_dir; a daemon makes it at its first start"
        yield CheckResult("data folder", False, f"{path} is not there", cure)
        return
    try:
        _write(path)
    except OSError as error:
        words = f"{path} cannot be written: {error.strerror}"
        yield CheckResult("data folder", False, words, WRITING.get(error.errno or 0, WRITING[0]))
        return
    yield CheckResult("data folder", True, f"{path} can be written")
    free = shutil.disk_usage(path).free
    cure = "free some: without space the embedded database stops, and no mail is written"
    yield CheckResult("free space", free > MIN_SPACE, f"{free / 1e9:.1f} GB", cure)


def blobs(settings: Settings) -> Iterator[CheckResult]:
    """Check that the folder of blobs can be written, if there is one already, and count what an unfinished write left."""
    if settings.s3_url:
        return
    path = folder_of(settings)
    if not path.exists() and not settings.blobs:
        yield CheckResult("blobs", True, f"{path}: nothing was uploaded yet")
        return
    try:
        _write(path)
    except OSError as error:
        cure = "mount it, mend its owner and mode, or correct blobs; pictures and documents are missing meanwhile"
        yield CheckResult("blobs", False, f"{path} cannot be written: {error.strerror}", cure)
        return
    free = shutil.disk_usage(path).free
    words = f"{path} can be written, {free / 1e9:.1f} GB are free"
    yield CheckResult("blobs", free > MIN_SPACE, words, "free some: without space nothing can be uploaded")

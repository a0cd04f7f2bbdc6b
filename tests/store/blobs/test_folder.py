"""Blobs in a folder."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from twisted.internet import reactor

from harvestd.kernel.errors import Unavailable
from harvestd.runtime.metrics import Metrics
from harvestd.store.blobs.folder import UNFINISHED, FolderBlobs
from tests.contracts.blobs import KEYS, BlobsContract


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def blobs(folder: Path) -> FolderBlobs:
    return FolderBlobs(reactor, folder, Metrics().shortages)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


class TestFolderBlobs(BlobsContract):
    """The contract."""


async def test_nobody_else_can_read_it(blobs: FolderBlobs, folder: Path) -> None:
    await blobs.put(KEYS[0], BytesIO(b"x"))
    assert {path.stat().st_mode & 0o077 for path in [*files(folder), *folder.iterdir(), folder]} == {0}


class Breaking(BytesIO):
    """A file whose disk fails after the first piece."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell():
            raise OSError(5, "Input/output error")
        return super().read(10)


async def test_a_put_that_fails_leaves_nothing_and_what_was_there(blobs: FolderBlobs, folder: Path) -> None:
    await blobs.put(KEYS[0], BytesIO(b"before"))
    with pytest.raises(Unavailable):
        await blobs.put(KEYS[0], Breaking(b"x" * 100))
    assert [path.read_bytes() for path in files(folder)] == [b"before"]


async def test_what_a_crash_left_is_never_listed_and_goes_after_a_while(blobs: FolderBlobs, folder: Path) -> None:
    await blobs.put(KEYS[0], BytesIO(b"x"))
    left = files(folder)[0].parent / f"{UNFINISHED}0123"
    left.write_bytes(b"half")
    hour = timedelta(hours=1)
    assert [one.key for one in await blobs.listed("", 10)] == [KEYS[0]]
    await blobs.tidy(datetime.now(UTC) - hour)
    assert left.exists()
    os.utime(left, (0, 0))
    await blobs.tidy(datetime.now(UTC) - hour)
    assert [path.name for path in files(folder)] == [KEYS[0]]


async def test_a_link_that_somebody_put_there_is_not_followed(blobs: FolderBlobs, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    await blobs.put(KEYS[0], BytesIO(b"x"))
    path = files(folder)[0]
    path.unlink()
    path.symlink_to(tmp_path / "secret")
    with pytest.raises(Unavailable):
        await blobs.read(KEYS[0], 100)


PUBLIC = [key.replace("small", "mediasmall") for key in KEYS[:3]]


async def test_a_web_server_reads_what_is_public_and_cannot_list_the_rest(blobs: FolderBlobs, folder: Path) -> None:
    """Whatever the mask of the process."""
    before = os.umask(0o077)
    try:
        await blobs.put(KEYS[0], BytesIO(b"private"))
        await blobs.put(PUBLIC[0], BytesIO(b"public"))
    finally:
        os.umask(before)
    modes = {str(path.relative_to(folder)): path.stat().st_mode & 0o777 for path in [*folder.rglob("*"), folder]}
    shard = KEYS[0].partition(".")[0][-2:]
    assert modes == {
        ".": 0o711, shard: 0o700, f"{shard}/{KEYS[0]}": 0o600,
        "media": 0o755, f"media/{shard}": 0o755, f"media/{shard}/{PUBLIC[0]}": 0o644,
    }  # fmt: skip


async def test_public_and_private_ones_are_listed_once_and_tidied(blobs: FolderBlobs, folder: Path) -> None:
    for key in [*PUBLIC, *KEYS]:
        await blobs.put(key, BytesIO(b"x"))
    left = folder / "media" / PUBLIC[0].partition(".")[0][-2:] / f"{UNFINISHED}0123"
    left.write_bytes(b"half")
    found, place = [], ""
    while page := await blobs.listed(place, 1):
        found += [one.key for one in page]
        place = page[-1].place
    assert sorted(found) == sorted([*PUBLIC, *KEYS])
    await blobs.tidy(datetime.now(UTC) + timedelta(hours=1))
    assert not left.exists()

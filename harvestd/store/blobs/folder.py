"""Blobs in a folder, which several machines may share. A blob is a file, in one of 256 folders by the end of its id.

Nobody else can read it but for what is public: that has 256 folders of its own below ``media``, for a web server."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeVar

from zope.interface import implementer

from harvestd.interfaces import IBlobs, NoSuchBlob, StoredBlob
from harvestd.kernel import blob_keys
from harvestd.kernel.errors import Unavailable
from harvestd.runtime import descriptors
from harvestd.runtime.shortages import Shortages
from harvestd.runtime.threads import Threads
from harvestd.settings.table import Settings

Result = TypeVar("Result")
#: Files that are read, written or deleted at once, and how many more may wait.
AT_ONCE, WAITING = 4, 256
#: How the names of unfinished files begin.
UNFINISHED = ".new-"


def folder_of(settings: Settings) -> Path:
    """The folder of a market's blobs."""
    return Path(settings.blobs) if settings.blobs else Path(settings.data_dir) / "blobs"


def path_of(folder: Path, key: str) -> Path:
    """The file of a blob."""
    return folder / blob_keys.place(key)


def shards(folder: Path) -> list[tuple[str, Path]]:
    """The folders that have files, in a fixed order, each by its place below ``folder``: first the private ones."""
    public = folder / blob_keys.PUBLIC
    own = [(one.name, one) for one in _folders(folder) if one != public]
    return own + [(f"{blob_keys.PUBLIC}/{one.name}", one) for one in _folders(public)]


def _folders(folder: Path) -> list[Path]:
    return sorted(one for one in folder.iterdir() if one.is_dir()) if folder.is_dir() else []


@implementer(IBlobs)
class FolderBlobs:
    """Content is written under another name, synced, and renamed: a file with a key's name is whole, whatever crashes."""

    def __init__(self, reactor: Any, folder: Path, shortages: Shortages) -> None:
        self._folder = Path(folder)
        self._threads = Threads(reactor, AT_ONCE, WAITING, partial(shortages.tell, "files"))

    async def put(self, key: str, content: IO[bytes]) -> None:
        """As the interface has it."""
        await self._done(_put, self._folder, self._path(key), content, blob_keys.is_public(key))

    async def read(self, key: str, most: int) -> bytes:
        """As the interface has it."""
        return await self._done(_read, self._path(key), most)

    async def open(self, key: str) -> IO[bytes]:
        """As the interface has it."""
        return await self._done(_opened, self._path(key))

    async def has(self, key: str) -> bool:
        """As the interface has it."""
        return await self._done(Path.exists, self._path(key))

    async def delete(self, key: str) -> None:
        """As the interface has it."""
        await self._done(_delete, self._path(key))

    async def listed(self, after: str, limit: int) -> list[StoredBlob]:
        """As the interface has it."""
        return await self._done(_listed, self._folder, after, limit)

    async def unfinished(self, before: datetime) -> list[str]:
        """As the interface has it."""
        found = await self._done(_unfinished, self._folder, before.timestamp())
        return [str(path.relative_to(self._folder)) for path in found]

    async def tidy(self, before: datetime) -> None:
        """As the interface has it."""
        await self._done(_tidy, self._folder, before.timestamp())

    def address(self, key: str) -> str:
        """As the interface has it: a folder has none, but what a web server in front makes of it."""
        return ""

    def _path(self, key: str) -> Path:
        return path_of(self._folder, key)

    async def _done(self, work: Callable[..., Result], *arguments: Any) -> Result:
        try:
            return await self._threads.run(work, *arguments)
        except FileNotFoundError as error:
            raise NoSuchBlob(str(arguments[0])) from error
        except OSError as error:
            raise Unavailable(f"folder of blobs {self._folder}: {descriptors.cause_of(error)}") from error


def _put(folder: Path, path: Path, content: IO[bytes], public: bool) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if public:
        _open(folder, 0o711)  # to go through, not to look at
        _open(path.parent.parent, 0o755)
        _open(path.parent, 0o755)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    unfinished = path.parent / f"{UNFINISHED}{secrets.token_hex(8)}"
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            content.seek(0)
            shutil.copyfileobj(content, file)
            if public:
                os.fchmod(file.fileno(), 0o644)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        _sync_folder(path.parent)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _open(folder: Path, mode: int) -> None:
    """A folder that others may use so; whatever the umask."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_mode & 0o777 != mode:
        folder.chmod(mode)


def _sync_folder(folder: Path) -> None:
    """A rename is durable once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _opened(path: Path) -> IO[bytes]:
    return open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")


def _read(path: Path, most: int) -> bytes:
    with _opened(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"{path.name} has more than {most} bytes")
    return content


def _delete(path: Path) -> None:
    path.unlink(missing_ok=True)


def _listed(folder: Path, after: str, limit: int) -> list[StoredBlob]:
    """Places are ``<folder>/<key>`` and ``media/<folder>/<key>``."""
    found: list[StoredBlob] = []
    for prefix, shard in shards(folder):
        if prefix < after.rpartition("/")[0]:
            continue
        for name in sorted(one.name for one in shard.iterdir()):
            place = f"{prefix}/{name}"
            if place > after and blob_keys.is_key(name):
                with suppress(FileNotFoundError):  # deleted meanwhile
                    at = datetime.fromtimestamp((shard / name).stat().st_mtime, UTC)
                    found.append(StoredBlob(name, place, at))
            if len(found) >= limit:
                return found
    return found


def _unfinished(folder: Path, before: float) -> list[Path]:
    found = []
    for _, shard in shards(folder):
        for path in shard.glob(f"{UNFINISHED}*"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    found.append(path)
    return found


def _tidy(folder: Path, before: float) -> None:
    for path in _unfinished(folder, before):
        path.unlink(missing_ok=True)

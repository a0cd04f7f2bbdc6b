"""PostgreSQL for tests.

A :class:`PostgresServer` speaks on a Unix socket only, in a folder that other accounts cannot enter. It ends when the
process that started it ends, however that ends (Linux), and folders of runs that are gone are swept.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psycopg2

from harvestd.store.embedded import binaries
from harvestd.store.embedded import cluster as clusters
from harvestd.store.postgres.migrations import migrate
from servers import shared
from servers.private import PREFIX, die_with_parent, free_port, signal_tree, temporary_folder, wait_until

USER = "harvest"
TEMPLATE = "harvest_template"

CONFIGURATION = """
listen_addresses = ''
max_connections = 100
shared_buffers = '64MB'
dynamic_shared_memory_type = 'mmap'
fsync = off  # commits survive a crash of the server (what tests make), not of the machine
max_wal_size = '512MB'
wal_level = replica
max_wal_senders = 4
autovacuum_naptime = '10s'
log_min_messages = 'warning'
log_line_prefix = '%m [%p] %d '
"""


class PostgresServer:
    """One private PostgreSQL, with a migrated database to :meth:`clone`. ``conf`` is appended to its configuration; with
    ``primary`` it is a streaming replica; with ``tcp`` it also listens on a free port of the loopback, ``port``. An
    ``empty`` one has initdb's databases alone."""

    def __init__(
        self, conf: str = "", primary: PostgresServer | None = None, tcp: bool = False, empty: bool = False
    ) -> None:
        self.who = binaries.account()
        self.folder = temporary_folder("pg")
        self.programs = binaries.reachable(binaries.find(), self.who, Path(tempfile.gettempdir()) / f"{PREFIX}programs")
        os.chown(self.folder, self.who.uid, self.who.gid)
        self.data = self.folder / "data"
        self.port = free_port() if tcp else 5432
        self._template = not empty
        if tcp:
            conf += f"listen_addresses = '127.0.0.1'\nport = {self.port}\n"
        self.process: subprocess.Popen[bytes] | None = None
        self._administrator: Any = None
        self._numbers = itertools.count(1)
        if primary is not None:
            self.run("pg_basebackup", "-D", self.data, "-h", primary.folder, "-U", USER, "-R", "-c", "fast", "-N")
        elif empty:
            chosen = clusters.arguments(self.data, USER, "C", self.programs.major)
            self.run("initdb", *chosen, "-N")
        else:
            shared.copied(shared.once("postgres", _make) / "data", self.data)
        with open(self.data / "postgresql.conf", "a") as file:
            file.write(CONFIGURATION + f"unix_socket_directories = '{self.folder}'\n" + conf)

    def run(self, program: str, *arguments: str | Path) -> str:
        """Run one of PostgreSQL's programs under the server's account; answers its output."""
        done = subprocess.run(
            [self.programs.program(program), *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self.folder, **self._as_account(),
        )  # fmt: skip
        assert done.returncode == 0, f"{program} failed:\n{done.stdout}"
        return done.stdout

    def url(self, database: str = "postgres") -> str:
        """A libpq URL, over the socket."""
        port = "" if self.port == 5432 else f"&port={self.port}"
        return f"postgresql://{USER}@/{database}?host={self.folder}{port}"

    @property
    def socket(self) -> str:
        """The path of its Unix socket, for a proxy."""
        return str(self.folder / f".s.PGSQL.{self.port}")

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.begin()
        wait_until("PostgreSQL answers", self._answers)
        if self._template:  # what each new connection looks up is then in a file, which is copied with the database
            self.query(TEMPLATE, "select 1")

    def begin(self) -> None:
        """Start it and do not wait. On the main thread: the server ends with the thread that started it."""
        assert self.process is None
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [self.programs.program("postgres"), "-D", str(self.data)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, start_new_session=True,
                preexec_fn=die_with_parent, **self._as_account(),
            )  # fmt: skip

    def stop(self, how: str = "fast") -> None:
        """``fast`` or ``immediate``."""
        if self.process is None:
            return
        process, self.process = self.process, None
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGINT if how == "fast" else signal.SIGQUIT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait(10)

    def restart(self, how: str = "immediate") -> None:
        """Stop and start; ``immediate`` is a crash."""
        self.stop(how)
        self.start()

    def freeze(self) -> None:
        """SIGSTOP all its processes: connections stay open and nothing answers."""
        self._signal_all(signal.SIGSTOP)

    def kill(self) -> None:
        """SIGKILL them, frozen or not."""
        assert self.process is not None
        self._signal_all(signal.SIGKILL)
        process, self.process = self.process, None
        process.wait(10)

    def thaw(self) -> None:
        """SIGCONT them."""
        self._signal_all(signal.SIGCONT)

    def remove(self) -> None:
        """Stop it and delete its folder."""
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def clone(self, template: str = TEMPLATE) -> str:
        """The name of a new database, a copy of ``template``."""
        name = f"t{next(self._numbers)}"
        self._administer(f"create database {name} template {template} strategy file_copy")
        return name

    def drop(self, name: str) -> None:
        """Drop a database, with whoever is connected."""
        self._administer(f"drop database if exists {name} with (force)")

    def _administer(self, sql: str) -> None:
        """On a connection that stays: two of its own for each test were a tenth of what PostgreSQL did for it."""
        for again in (True, False):
            try:
                if self._administrator is None:
                    self._administrator = psycopg2.connect(self.url("postgres"))
                    self._administrator.autocommit = True
                with self._administrator.cursor() as cursor:
                    return cursor.execute(sql)
            except psycopg2.Error:  # the server was stopped meanwhile
                self._administrator = None
                if not again:
                    raise

    def query(self, database: str, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        """Run one statement, blocking, by itself."""
        connection = psycopg2.connect(self.url(database))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError("PostgreSQL ended at its start:\n" + (self.folder / "log").read_text()[-4000:])
        try:
            psycopg2.connect(self.url()).close()
        except psycopg2.OperationalError:
            return False
        return True

    def _as_account(self) -> dict[str, object]:
        return {"user": self.who.uid, "group": self.who.gid, "extra_groups": []} if self.who.drop else {}

    def _signal_all(self, number: int) -> None:
        assert self.process is not None
        signal_tree(self.process.pid, number)


def _make(folder: Path) -> None:
    """The data folder of a server with the database to clone."""
    server = PostgresServer(empty=True)
    try:
        plain = (server.data / "postgresql.conf").read_text().partition(CONFIGURATION)[0]
        server.start()
        server.query("postgres", f"create database {TEMPLATE}")
        migrate(server.url(TEMPLATE))
        server.stop()
        (server.data / "postgresql.conf").write_text(plain)
        shared.copied(server.data, folder / "data")
    finally:
        server.remove()

"""The embedded database: made whole, found again, one daemon a folder, and a clear word for whatever is wrong."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from harvestd.store.embedded import binaries, placement
from harvestd.store.embedded.cluster import EmbeddedError
from harvestd.store.embedded.postmaster import pid_file
from harvestd.store.embedded.running import Running, running
from harvestd.store.embedded.server import EmbeddedPostgres
from servers import temporary_folder
from servers.pace import Pace
from tests.waiting import eventually

ROOT = Path(__file__).parents[3]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="root alone can change accounts")


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A short path that every account can reach, with a place for what must be elsewhere."""
    made = temporary_folder("embedded", disk=True)
    made.chmod(0o755)
    monkeypatch.setattr(placement, "ELSEWHERE", made / "elsewhere")
    yield made
    shutil.rmtree(made)


@pytest_twisted.async_yield_fixture
async def daemons(folder: Path) -> Any:
    """Makes embedded databases in this process; stops them in the end, before their folder goes."""
    from twisted.internet import reactor

    made: list[EmbeddedPostgres] = []

    def make(data: Path, bin_setting: str = "") -> EmbeddedPostgres:
        made.append(EmbeddedPostgres(reactor, str(data), bin_setting))
        return made[-1]

    make.made = made  # type: ignore[attr-defined]
    yield make
    for one in made:
        await Deferred.fromCoroutine(one.stop()).addTimeout(20, reactor)


@pytest.fixture
def processes(folder: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[str], dict[str, Any]]]]:
    """Starts daemons as processes; answers each with what it said. They end before their folder goes."""
    made: list[subprocess.Popen[str]] = []

    def start(data: Path, *account: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.store.embedded.daemon", str(data), *account],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        made.append(process)
        assert process.stdout is not None
        return process, json.loads(process.stdout.readline() or "{}")

    yield start
    for process in made:
        if process.poll() is None:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(20)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def ask(url: str, sql: str) -> list[Any]:
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def servers_of(data: Path) -> list[int]:
    """The postmasters that run on the folder."""
    said = subprocess.run(["ps", "-ww", "-eo", "pid=,command="], capture_output=True, text=True).stdout
    wanted = f"-D {(data / 'postgres').resolve()} "
    return [int(line.split()[0]) for line in said.splitlines() if wanted in line + " "]


async def test_it_is_made_once_and_kept(daemons: Any, folder: Path) -> None:
    pace = Pace()
    first = daemons(folder / "data")
    url = await first.start()
    assert pace.seconds() < 20
    made = (folder / "data" / "postgres" / "PG_VERSION").stat()
    ask(url, "create table kept (n int)")
    await first.stop()
    assert running(str(folder / "data")) is None
    assert servers_of(folder / "data") == []
    assert await daemons(folder / "data").start() == url
    assert ask(url, "select count(*) from kept") == [(0,)]
    found = (folder / "data" / "postgres" / "PG_VERSION").stat()
    assert (found.st_ino, found.st_mtime_ns) == (made.st_ino, made.st_mtime_ns)


async def test_the_daemon_is_no_superuser_and_the_database_knows_letters_of_every_script(
    daemons: Any, folder: Path
) -> None:
    url = await daemons(folder / "data").start()
    assert ask(url, "select current_user::text, rolsuper from pg_roles where rolname = current_user") == [
        ("harvest", False)
    ]
    assert ask(
        url, "select lower('ÉPICERIE ЯБЛОКО'), current_setting('server_encoding'), current_setting('fsync')"
    ) == [("épicerie яблоко", "UTF8", "on")]


async def test_its_programs_get_no_secret_of_ours(daemons: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARVEST_TOKEN_SECRET", "do-not-pass-on")
    one = daemons(folder / "data")
    await one.start()
    if sys.platform == "linux":
        assert "do-not-pass-on" not in Path(f"/proc/{one.pid}/environ").read_text()


@as_root
async def test_as_root_it_runs_under_another_account_and_lets_no_third_one_in(daemons: Any, folder: Path) -> None:
    one = daemons(folder / "data")
    url = await one.start()
    owner = (folder / "data" / "postgres").stat().st_uid
    assert owner != 0
    assert os.stat(f"/proc/{one.pid}").st_uid == owner
    stranger = next(entry for entry in pwd.getpwall() if entry.pw_uid not in (0, owner))
    script = (
        "import os, psycopg2; "
        f"os.setgroups([]); os.setgid({stranger.pw_gid}); os.setuid({stranger.pw_uid}); psycopg2.connect({url!r})"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert said.returncode != 0 and "Permission denied" in said.stderr
    for name in ("lock", "postgres.log"):
        assert stat.S_IMODE((folder / "data" / name).stat().st_mode) & 0o077 == 0


@as_root
async def test_in_a_private_home_it_is_placed_where_its_account_can_reach(daemons: Any, folder: Path) -> None:
    """Both the data folder and PostgreSQL's programs are under a folder that root alone can enter."""
    home = folder / "home"
    home.mkdir(mode=0o700)
    programs = (await deferToThread(binaries.find)).folder.parent
    await deferToThread(binaries._copy, programs, home / "venv")
    private = str(home / "venv" / programs.parent.name / programs.name / "bin")
    one = daemons(home / "data", private)
    url = await one.start()
    assert ask(url, "select 1") == [(1,)]
    assert (home / "data" / "postgres").is_symlink()
    assert stat.S_IMODE(home.stat().st_mode) == 0o700, "the home's mode is not ours to change"
    assert str(folder / "elsewhere") in os.readlink(f"/proc/{one.pid}/exe")
    ask(url, "create table kept (n int)")
    await one.stop()
    again = daemons(home / "data", private)
    assert ask(await again.start(), "select count(*) from kept") == [(0,)]


@as_root
async def test_a_copied_data_folder_does_not_open_the_linked_database_twice(daemons: Any, folder: Path) -> None:
    home = folder / "home"
    home.mkdir(mode=0o700)
    await daemons(home / "data").start()
    (home / "copy").mkdir()
    os.symlink(os.readlink(home / "data" / "postgres"), home / "copy" / "postgres")
    with pytest.raises(EmbeddedError, match="is in use by the harvestd of process"):
        await daemons(home / "copy").start()


@as_root
def test_as_an_ordinary_user_it_runs_as_that_user(folder: Path, processes: Any) -> None:
    nobody = pwd.getpwnam("nobody")
    data = folder / "data"
    data.mkdir()
    os.chown(data, nobody.pw_uid, nobody.pw_gid)
    if not binaries.reaches(ROOT, binaries.Account(nobody.pw_uid, nobody.pw_gid, "nobody", drop=True)):
        pytest.skip("the checkout, with PostgreSQL's programs, is in a private home")
    _, said = processes(data, "nobody")
    assert "url" in said, said
    assert os.stat(f"/proc/{said['pid']}").st_uid == nobody.pw_uid


async def test_a_second_daemon_is_refused_and_told_who_has_the_folder(
    daemons: Any, folder: Path, processes: Any
) -> None:
    url = await daemons(folder / "data").start()
    with pytest.raises(EmbeddedError, match=rf"in use by the harvestd of process {os.getpid()}: stop that one"):
        await daemons(folder / "data").start()
    _, said = processes(folder / "data")
    assert f"process {os.getpid()}" in said["error"]
    assert running(str(folder / "data")) == Running(os.getpid(), url)
    assert ask(url, "select 1") == [(1,)], "the first is not harmed"


async def test_after_sigkill_the_next_daemon_stops_what_was_left_and_finds_its_data(
    daemons: Any, folder: Path, processes: Any
) -> None:
    process, said = processes(folder / "data")
    ask(said["url"], "create table kept as select generate_series(1, 1000)")
    process.kill()
    process.wait(10)
    assert alive(said["pid"]), "the server outlives its daemon"
    one = daemons(folder / "data")
    url = await one.start()
    assert ask(url, "select count(*) from kept") == [(1000,)]
    assert servers_of(folder / "data") == [one.pid]


async def test_after_sigkill_of_both_it_recovers(daemons: Any, folder: Path, processes: Any) -> None:
    process, said = processes(folder / "data")
    ask(said["url"], "create table kept as select generate_series(1, 1000)")
    process.kill()
    process.wait(10)
    os.kill(said["pid"], signal.SIGKILL)
    await eventually("the server is gone", lambda: not servers_of(folder / "data"))
    assert ask(await daemons(folder / "data").start(), "select count(*) from kept") == [(1000,)]


async def test_a_pid_file_that_names_somebody_elses_process_is_cleared_away(daemons: Any, folder: Path) -> None:
    """As after a restart of a container, where the same small numbers come again."""
    one = daemons(folder / "data")
    await one.start()
    lines = pid_file(folder / "data" / "postgres")
    await one.stop()
    owner = (folder / "data" / "postgres").stat().st_uid
    extra: Any = {"user": owner, "group": owner, "extra_groups": []} if os.geteuid() == 0 else {}
    other = subprocess.Popen(["sleep", "60"], **extra)
    try:
        left = folder / "data" / "postgres" / "postmaster.pid"
        left.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        os.chown(left, owner, -1)
        await daemons(folder / "data").start()
        assert other.poll() is None, "it is not ours to end"
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("left", ["unfinished", "empty"])
async def test_an_interrupted_first_start_is_begun_anew(daemons: Any, folder: Path, left: str) -> None:
    data = folder / "data"
    if left == "unfinished":
        (data / "postgres.unfinished" / "base").mkdir(parents=True)
        (data / "postgres.unfinished" / "PG_VERSION").write_text("18\n")
    else:
        (data / "postgres").mkdir(parents=True)
        os.chown(data / "postgres", binaries.account().uid, binaries.account().gid)
    if os.geteuid() == 0:
        data.chmod(0o755)
    assert ask(await daemons(data).start(), "select 1") == [(1,)]
    assert not (data / "postgres.unfinished").exists()


async def test_a_first_start_that_is_killed_leaves_nothing_that_looks_finished(folder: Path, daemons: Any) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.store.embedded.daemon", str(folder / "data")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        await eventually("it is being made", lambda: (folder / "data" / "postgres.unfinished").exists())
    finally:
        process.kill()
        process.wait()
        assert process.stdin and process.stdout
        process.stdin.close()
        process.stdout.close()
    assert not (folder / "data" / "postgres").exists()
    assert ask(await daemons(folder / "data").start(), "select 1") == [(1,)]


@pytest.mark.parametrize("fault", [None, ZeroDivisionError], ids=["", "after a fault of ours"])
async def test_a_server_that_dies_is_started_again(
    daemons: Any, folder: Path, connected: Any, expected_errors: Any, fault: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harvestd.kernel.errors import Unavailable
    from harvestd.store.postgres.statements import Statement, scalar

    one = daemons(folder / "data")
    database = connected(await one.start(), wait=5.0)
    first = one.pid
    statement = Statement("one", "select 1", scalar)
    assert await database.row(statement) == 1
    launch, faults = one._launch, [fault] if fault else []

    async def launched(patience: Any) -> None:
        if faults:
            raise faults.pop()
        await launch(patience)

    monkeypatch.setattr(one, "_launch", launched)
    os.kill(first, signal.SIGKILL)
    await eventually("another runs", lambda: one.pid not in (None, first), 10)

    async def answers() -> bool:
        try:
            return await database.row(statement) == 1
        except Unavailable:
            return False

    await eventually("queries are answered", answers, 10)
    assert any("restarting it" in text for text in expected_errors())


async def test_a_frozen_server_does_not_keep_the_daemon_from_stopping(
    daemons: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harvestd.store.embedded import postmaster

    monkeypatch.setattr(postmaster, "ESCALATION", tuple((number, 0.3) for number, _ in postmaster.ESCALATION))
    one = daemons(folder / "data")
    await one.start()
    os.kill(one.pid, signal.SIGSTOP)
    pace = Pace()
    await one.stop()
    assert pace.seconds() < 3
    await eventually("nothing runs", lambda: not servers_of(folder / "data"))


async def test_a_long_path_has_its_socket_in_a_short_private_folder(daemons: Any, folder: Path) -> None:
    data = folder / ("long" * 12) / ("path" * 12) / "data"
    data.parent.mkdir(parents=True)
    one = daemons(data)
    url = await one.start()
    assert ask(url, "select 1") == [(1,)]
    sockets = Path(url.split("host=")[1].replace("%2F", "/"))
    assert len(str(sockets)) < 60
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    await one.stop()
    assert not sockets.exists()


async def test_a_socket_folder_that_somebody_else_made_is_refused(daemons: Any, folder: Path) -> None:
    data = folder / ("long" * 12) / ("path" * 12) / "data"
    data.parent.mkdir(parents=True)
    one = daemons(data)
    url = await one.start()
    await one.stop()
    sockets = Path(url.split("host=")[1].replace("%2F", "/"))
    sockets.mkdir()
    sockets.chmod(0o777)
    try:
        with pytest.raises(EmbeddedError, match="was made by somebody else"):
            await daemons(data).start()
    finally:
        shutil.rmtree(sockets)


async def test_another_major_version_uses_its_own_programs_or_says_what_is_missing(daemons: Any, folder: Path) -> None:
    older = await deferToThread(binaries.find, "", 16)
    one = daemons(folder / "data", str(older.folder))
    await one.start()
    await one.stop()
    url = await daemons(folder / "data").start()
    assert ask(url, "show server_version_num")[0][0].startswith("16")


async def test_a_version_without_programs_is_named(daemons: Any, folder: Path) -> None:
    (folder / "data" / "postgres").mkdir(parents=True, mode=0o700)
    (folder / "data" / "postgres" / "PG_VERSION").write_text("13\n")
    os.chown(folder / "data" / "postgres", binaries.account().uid, -1)
    with pytest.raises(EmbeddedError, match="made by PostgreSQL 13, whose programs were not found; there is 18 in"):
        await daemons(folder / "data").start()
    with pytest.raises(EmbeddedError, match="but the data folder was made by PostgreSQL 13"):
        await daemons(folder / "data", str((await deferToThread(binaries.find)).folder)).start()
    with pytest.raises(EmbeddedError, match="there is no working initdb and postgres in it"):
        await daemons(folder / "data", "/nowhere").start()


async def test_files_that_are_no_database_are_left_alone(daemons: Any, folder: Path) -> None:
    (folder / "data" / "postgres").mkdir(parents=True, mode=0o700)
    (folder / "data" / "postgres" / "letters.txt").write_text("dear")
    os.chown(folder / "data" / "postgres", binaries.account().uid, -1)
    with pytest.raises(EmbeddedError, match="holds files but no database: move it away"):
        await daemons(folder / "data").start()
    assert (folder / "data" / "postgres" / "letters.txt").read_text() == "dear"


async def test_a_file_in_the_place_of_the_folder_is_told(daemons: Any, folder: Path) -> None:
    (folder / "data").write_text("")
    with pytest.raises(EmbeddedError, match="is not a folder"):
        await daemons(folder / "data").start()


@as_root
def test_a_folder_that_cannot_be_written_and_one_of_another_owner_are_told(folder: Path, processes: Any) -> None:
    _, said = processes(folder / "data", "nobody")
    assert "cannot be written by user nobody" in said["error"] and "set data_dir" in said["error"]
    theirs = folder / "theirs"
    (theirs / "postgres").mkdir(parents=True)
    os.chown(theirs, pwd.getpwnam("nobody").pw_uid, -1)
    os.chown(theirs / "postgres", pwd.getpwnam("daemon").pw_uid, -1)
    _, said = processes(theirs, "nobody")
    assert "belongs to user daemon" in said["error"] and "start harvestd as user daemon" in said["error"]


@as_root
async def test_a_full_disk_is_told_as_such_at_the_first_start_and_later(daemons: Any, folder: Path) -> None:
    small = folder / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", small], capture_output=True).returncode:
        pytest.skip("no right to mount a small disk")
    try:
        with pytest.raises(EmbeddedError, match=r"the disk that holds .* is full: free some space"):
            await daemons(small / "data").start()
        assert not (small / "data" / "postgres").exists()
        assert subprocess.run(["mount", "-o", "remount,size=200m", small]).returncode == 0
        one = daemons(small / "data")
        await one.start()
        await one.stop()
        with open(small / "ballast", "wb") as ballast:
            try:
                while True:
                    ballast.write(b"x" * 65536)
                    ballast.flush()
            except OSError:
                pass
        with pytest.raises(EmbeddedError, match=r"the disk that holds .* is full: free some space"):
            await daemons(small / "data").start()
        (small / "ballast").unlink()
        await daemons(small / "data").start()
    finally:
        for one in daemons.made:
            await one.stop()
        subprocess.run(["umount", small], check=True)


async def test_damaged_files_are_told(daemons: Any, folder: Path) -> None:
    one = daemons(folder / "data")
    await one.start()
    await one.stop()
    control = folder / "data" / "postgres" / "global" / "pg_control"
    control.write_bytes(b"")
    with pytest.raises(EmbeddedError, match=r"restore .* from a backup"):
        await daemons(folder / "data").start()


async def test_a_folder_that_others_could_enter_is_closed(daemons: Any, folder: Path) -> None:
    one = daemons(folder / "data")
    await one.start()
    await one.stop()
    (folder / "data" / "postgres").chmod(0o755)
    await daemons(folder / "data").start()
    assert stat.S_IMODE((folder / "data" / "postgres").stat().st_mode) == 0o700


async def test_it_listens_on_no_network(daemons: Any, folder: Path) -> None:
    url = await daemons(folder / "data").start()
    assert ask(url, "select current_setting('listen_addresses'), inet_server_addr()") == [("", None)]
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(url.split("host=")[1].replace("%2F", "/") + "/.s.PGSQL.5432")


def test_nothing_runs_where_nothing_was_started(folder: Path) -> None:
    assert running(str(folder / "data")) is None

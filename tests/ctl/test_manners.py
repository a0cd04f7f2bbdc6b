"""What every command of harvestctl does, whichever it is: a new one has to be named here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from harvestd.ctl import main
from harvestd.ctl.command_line import COMMANDS
from servers import PostgresServer, wait_until
from tests.daemons import HARVESTCTL, ctl, environment, run, unread
from tests.forking import WHOLE_END

MARKETS = Path(__file__).parents[1] / "loading" / "data" / "markets.csv"

#: Each command as somebody may type it.
TYPED = {
    "migrate": [],
    "demo": [],
    "import-directory": [str(MARKETS), "--limit=2"],
    "seed": ["--products=1"],
    "create-admin": ["ada@example.org", "--generate"],
    "reindex": [],
    "replay": [],
    "check": [],
    "blobs": ["check"],
    "doctor": [],
    "settings": [],
}
#: What makes a market where there is none, and forms of it that change nothing.
MAKING = {"migrate", "demo", "import-directory", "seed", "create-admin"}
HARMLESS = [
    *([name, *words] for name, words in TYPED.items() if name not in MAKING),
    ["settings", "--markdown"],
    ["migrate", "--check"],
    ["create-admin", "ada@example.org", "--promote"],
    ["import-directory", str(MARKETS), "--dry-run"],
    ["replay", "orders", "--all"],
]

#: Command lines that are wrong whatever the market has in it.
WRONG = [
    [],
    ["no-such-command"],
    *([name, "--no-such-option"] for name in TYPED),
    ["seed", "--products=0"],
    ["seed", "--products=many"],
    ["seed", "--products=1", "--farms=0"],
    ["seed", "--products=1", "--seed=-1"],
    ["create-admin", "foo", "--generate"],
    ["create-admin", "ada@example.org", "--generate", "--username=-"],
    ["create-admin", "ada@example.org", "--generate", "--name= "],
    ["import-directory", str(MARKETS), "--limit=0"],
    ["create-admin", os.fsdecode(b"x\xff@example.org"), "--generate"],
    ["create-admin", os.fsdecode(b"x\xff@example.org"), "--promote"],
    ["import-directory", str(MARKETS), os.fsdecode(b"--owner=x\xff@example.org")],
    ["import-directory", str(MARKETS), os.fsdecode(b"--data-dir=Caf\xe9")],
    ["replay", "nowhere"],
    ["replay", "--all"],
    ["replay", "--discard"],
    ["replay", "orders", "--discard"],
    ["replay", "orders", "abc"],
    ["replay", "orders", "1", "abc", "--discard"],
    ["demo", "extra"],
    ["import-directory", str(MARKETS), "--owner=nobody"],
    *([name, *words, "--config=nope.toml"] for name, words in TYPED.items()),
    ["doctor", "--database-url=mysql://h/m"],
]


@pytest.mark.parametrize("words", WRONG, ids=lambda words: ascii(" ".join(words).replace(str(MARKETS), "FILE")))
def test_a_wrong_command_line_ends_with_2_and_makes_nothing(words: list[str], tmp_path: Path) -> None:
    done = ctl(tmp_path, *words, data_dir=tmp_path / "market")
    assert (done.returncode, "Traceback" in done.stdout) == (2, False), done.stdout
    assert not (tmp_path / "market").exists()


@pytest.mark.parametrize("name", TYPED)
def test_what_a_command_does_not_take_is_said_with_its_own_usage_and_where_settings_are_given(
    name: str, tmp_path: Path
) -> None:
    said = ctl(tmp_path, name, *TYPED[name], "--jsn", "--http-port", "1").stdout
    assert said.startswith(f"usage: harvestctl {name} "), said
    assert "--jsn --http-port" in said and "HARVEST_HTTP_PORT in the environment" in said and "http_port in" in said
    assert "setting" not in ctl(tmp_path, name, *TYPED[name], "--jsn").stdout.rpartition("error:")[2]


@pytest.mark.parametrize("words", [["--help"], *([name, "--help"] for name in TYPED)], ids=" ".join)
def test_no_line_of_a_help_is_longer_than_100(words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    for columns in (80, 300):
        monkeypatch.setenv("COLUMNS", str(columns))
        with pytest.raises(SystemExit):
            main(words)
        assert [line for line in capsys.readouterr().out.splitlines() if len(line) > min(columns, 100)] == []


def test_every_command_is_here() -> None:
    assert TYPED.keys() == COMMANDS.keys()


@pytest.mark.parametrize("words", HARMLESS, ids=" ".join)
def test_a_wrong_folder_is_told_and_not_made_a_market(words: list[str], tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    done = ctl(tmp_path, *words, data_dir=wrong)
    assert "Traceback" not in done.stdout
    assert not wrong.exists()
    if words[0] not in ("settings", "import-directory"):
        assert (done.returncode, f"there is no market in {wrong}: " in done.stdout) == (1, True), done.stdout


@pytest.mark.parametrize("words", HARMLESS, ids=" ".join)
def test_with_a_database_elsewhere_nothing_is_left_in_the_folder(
    words: list[str], tmp_path: Path, database_url: str
) -> None:
    wrong = tmp_path / "wrong"
    assert "Traceback" not in ctl(tmp_path, *words, data_dir=wrong, database_url=database_url).stdout
    assert not wrong.exists()


def test_a_market_that_is_made_is_said_to_be(folder: Path) -> None:
    first, again = (ctl(folder, "migrate", data_dir=folder / "new") for _ in range(2))
    assert (first.returncode, f"there is no market in {folder}/new yet: making one" in first.stdout) == (0, True)
    assert (again.returncode, "making one" in again.stdout) == (0, False)


# --- a reader who has seen enough ---


@pytest.mark.parametrize("name", [*TYPED, "--help", "--version"])
def test_a_pipe_that_nobody_reads_is_no_fault(name: str, tmp_path: Path, postgres: PostgresServer) -> None:
    """``harvestctl … | head`` when head is gone: as other programs end then, or well if there was nothing to say."""
    database = postgres.clone()
    settings = environment(tmp_path, database_url=postgres.url(database)) | {WHOLE_END: "1"}
    try:
        with tempfile.TemporaryFile() as errors, unread() as pipe:
            code = run(HARVESTCTL, [name, *TYPED.get(name, ())], settings, tmp_path, pipe, errors.fileno())
            errors.seek(0)
            assert (code in (141, 0), errors.read()) == (True, b"")
    finally:
        postgres.drop(database)


def test_nobody_reads_what_went_wrong_either(tmp_path: Path) -> None:
    for words in (["check"], ["doctor"], ["unknown"], ["replay", "nowhere"]):
        with unread() as pipe:
            code = run(HARVESTCTL, words, environment(tmp_path) | {WHOLE_END: "1"}, tmp_path, pipe, pipe)
        assert code in (141, 2 if words == ["unknown"] else 141), words


def test_a_full_disk_is_told_in_a_line(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [HARVESTCTL, "settings"], env=environment(tmp_path), stdout=full, stderr=subprocess.PIPE, text=True,
            cwd=tmp_path, timeout=60,
        )  # fmt: skip
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and "No space left on device" in done.stderr


# --- somebody who has had enough ---


@pytest.mark.parametrize("module", ["argparse", "rich.console", "psycopg2", "harvestd.kernel.names"])
def test_an_interrupt_while_it_loads_ends_it_without_a_word(module: str, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", HARVESTCTL, "seed"], env=environment(tmp_path),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if line.rsplit("|", 1)[-1].strip() == module:
            break
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode in (-signal.SIGINT, 130)
    assert [line for line in said.splitlines() if not line.startswith("import time:")] == []


def test_an_interrupt_at_a_question_is_heard(tmp_path: Path, database_url: str) -> None:
    process = subprocess.Popen(
        [HARVESTCTL, "create-admin", "ada@example.org", "--password-file=-"],
        env=environment(tmp_path, database_url=database_url), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, cwd=tmp_path,
    )  # fmt: skip
    wait_until("it reads", lambda: "pipe" in Path(f"/proc/{process.pid}/wchan").read_text(), 20)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=20)
    assert (process.returncode, "Traceback" in said) == (130, False)

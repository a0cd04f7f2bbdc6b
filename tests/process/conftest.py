"""Folders and daemons for tests of real processes on the embedded database."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from servers import free_port, shared, temporary_folder
from tests import daemons
from tests.daemons import Daemon, ctl


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder with a short path that every account can reach."""
    made = temporary_folder("process")
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def api(folder: Path) -> Iterator[Callable[..., Daemon]]:
    """Makes API daemons on the folder (not started); what still runs in the end is killed, its database too. Unless it is
    the ``first`` start, the folder has an embedded database already, in which nothing is yet. What is ``executed`` is started as
    people do, and not forked (``tests/forking.py``)."""
    made: list[Daemon] = []

    def make(plugin: str = "harvest-api", *, first: bool = False, executed: bool = False, **settings: Any) -> Daemon:
        given = {"stop_deadline": 10} | ({"http_port": free_port()} if plugin == "harvest-api" else {}) | settings
        own = plugin == "harvest-api" and not first and not {"database_url", "data_dir"} & settings.keys()
        if own and not (folder / "postgres").exists():
            begun(folder)
        made.append(Daemon(plugin, folder, **given))
        made[-1].starter = daemons.executed if executed else None
        return made[-1]

    yield make
    for daemon in made:
        daemon.kill()
    end_database(folder)


def begun(folder: Path) -> None:
    """Put a database of this version, in which nothing is yet, into a data folder that every account can reach."""
    shared.copied(shared.once("embedded", _embedded) / "postgres", folder / "postgres")


def _embedded(home: Path) -> None:
    """What the first start of a market makes, which takes longer than all that most tests do then."""
    folder = temporary_folder("embedded")
    try:
        folder.chmod(0o755)
        made = ctl(folder, "migrate")
        assert made.returncode == 0, made.stdout
        shared.copied((folder / "postgres").resolve(), home / "postgres")
    finally:
        shutil.rmtree(folder)


def database_pid(folder: Path) -> int | None:
    """Of the embedded server, if it runs."""
    try:
        pid = int((folder / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, 0)
    except (OSError, ValueError, IndexError):
        return None
    return pid


def end_database(folder: Path) -> None:
    """End what a killed daemon left."""
    pid = database_pid(folder)
    if pid is not None:
        os.kill(pid, signal.SIGQUIT)

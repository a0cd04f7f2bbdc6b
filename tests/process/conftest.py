"""Folders and daemons for tests of real processes on the embedded database."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from servers import free_port, temporary_folder
from tests.daemons import Daemon, executed


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder with a short path that every account can reach."""
    made = temporary_folder("process")
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def api(folder: Path) -> Iterator[Callable[..., Daemon]]:
    """Makes API daemons on the folder (not started); what still runs in the end is killed, its database too."""
    made: list[Daemon] = []

    def make(plugin: str = "harvest-api", **settings: Any) -> Daemon:
        given = {"stop_deadline": 10} | ({"http_port": free_port()} if plugin == "harvest-api" else {}) | settings
        made.append(Daemon(plugin, folder, **given))
        made[-1].starter = executed
        return made[-1]

    yield make
    for daemon in made:
        daemon.kill()
    end_database(folder)


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

"""The servers that are measured, as real processes: harvestd's and its peers'."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from benchmarks.pinning import SERVER, pinned
from servers import free_port, temporary_folder, wait_until
from servers.private import die_with_parent, end, tree
from tests.daemons import request

ROOT = Path(__file__).parents[1]
PEERS = ROOT / "benchmarks" / "peers"
#: Where ``make install-bench`` puts the virtualenv of each peer.
ENVIRONMENTS = ROOT / ".peers"


class Absent(Exception):
    """A contestant that is not installed here; the text is what to do."""


class Served:
    """A context: a process that listens on ``port``, on the core of what is measured, in a temporary folder; its output is
    in ``folder/log``. It can be used once ``ready``, a path, is answered with 200."""

    def __init__(
        self, name: str, command: Sequence[str], port: int, ready: str, environment: Mapping[str, str],
        cores: frozenset[int] | None = SERVER,
    ) -> None:  # fmt: skip
        self.name, self.port = name, port
        self.folder = temporary_folder(name.split()[0].lower(), disk=True)
        self._command = list(command) if cores is None else pinned(cores, command)
        self._ready = ready
        self._environment = {**_clean(), **environment}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the process; taskset becomes what it starts."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """The end of what it printed."""
        return (self.folder / "log").read_text(errors="replace")[-3000:]

    def __enter__(self) -> Self:
        with open(self.folder / "log", "wb") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                start_new_session=True, preexec_fn=die_with_parent,
            )  # fmt: skip
        try:
            if self._ready:
                wait_until(f"{self.name} is ready", self._answers, 60)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            family = tree(self._process.pid)
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                pass
            end(family)
            self._process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"{self.name} ended at its start:\n{self.log}"
        try:
            return request(self.port, "GET", self._ready)[0] == 200
        except OSError:
            return False


def harvestd(
    url: str,
    *,
    plugin: str = "harvest-api",
    ready: str = "/health/ready",
    source: Path = ROOT,
    cores: frozenset[int] | None = SERVER,
    **settings: Any,
) -> Served:
    """One process of the daemon on a database, with its defaults but for limits of requests. ``source`` is the checkout that
    it is run from. A worker has no port, and no time at which it is ready."""
    port = free_port()
    chosen = {"DATABASE_URL": url, "RATE_LIMITS": "false", "WORKERS": "off", "HTTP_PORT": port}
    chosen |= {name.upper(): value for name, value in settings.items()}
    made = Served(
        plugin, [str(_program("twistd")), "--nodaemon", "--pidfile=", plugin], port,
        ready if plugin == "harvest-api" else "", {}, cores,
    )  # fmt: skip
    chosen.setdefault("DATA_DIR", made.folder / "data")
    made._environment |= {f"HARVEST_{name}": str(value) for name, value in chosen.items()} | from_source(source)
    return made


def from_source(source: Path) -> dict[str, str]:
    """The environment that has Python import harvestd from this checkout, with the libraries of the one virtualenv: what is
    in PYTHONPATH comes before what is installed, and twistd finds its plugins in the same way."""
    return {} if source == ROOT else {"PYTHONPATH": str(source)}


def peer(name: str, *options: str, url: str = "", ready: str = "/api/products?limit=20") -> Served:
    """``peers/NAME/serve.py`` in its own virtualenv, one process; ``url`` is its database, if it has one. Raises
    :class:`Absent` without it."""
    script, python = PEERS / name / "serve.py", ENVIRONMENTS / name / "bin" / "python"
    if not script.exists():
        raise Absent(f"benchmarks/peers/{name} has no serve.py")
    if not python.exists():
        if (PEERS / name / "requirements.txt").exists():
            raise Absent(f"{name} is not installed: make install-bench")
        python = Path(sys.executable)
    port = free_port()
    command = [str(python), str(script), "--port", str(port), *(("--database-url", url) if url else ()), *options]
    return Served(name, command, port, ready, {})


def ctl(url: str, *arguments: str, source: Path = ROOT, timeout: float = 900) -> str:
    """Run harvestctl on a database; answers what it printed. RuntimeError when it fails."""
    environment = _clean() | {"HARVEST_DATABASE_URL": url, "HARVEST_DATA_DIR": "/nonexistent"} | from_source(source)
    done = subprocess.run(
        [_program("harvestctl"), *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=timeout,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"harvestctl {' '.join(arguments)} failed:\n{done.stdout[-3000:]}")
    return done.stdout


def _program(name: str) -> Path:
    return Path(sys.executable).parent / name


def _clean() -> dict[str, str]:
    """This process's environment without the settings of whoever runs it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HARVEST_")}

"""Whether the tests notice a mutant. Each is tried in a process forked from one that has read all libraries, and nothing of ours."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import signal
import sys
from collections.abc import Sequence
from types import CodeType
from typing import Any

import hypothesis
import pytest

from tests import pure
from tests.mutations.mutants import Mutant

#: Without what the other tests need: no reactor, no servers.
OPTIONS = (
    "-x",
    "-q",
    "--noconftest",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:pytest_twisted",
    "-p",
    "no:twisted",
    "-p",
    "no:xdist",
)
#: Seconds of CPU after which a mutant counts as noticed: it does not end.
MAX = 60
#: Of hypothesis, for tests that say nothing themselves; the same ones each time.
EXAMPLES = 50


class _Loader(importlib.machinery.SourceFileLoader):
    """Reads one module as the mutant has it; nothing of it is kept."""

    def __init__(self, mutant: Mutant) -> None:
        super().__init__(mutant.module, str(mutant.path))
        self._source = mutant.source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._source, self.path, "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        if fullname != self._mutant.module:
            return None
        return importlib.util.spec_from_loader(fullname, _Loader(self._mutant))


def prepare(libraries: Sequence[str]) -> None:
    """Read what every trial would read again."""
    for name in libraries:
        importlib.import_module(name)
    hypothesis.settings.register_profile(
        "mutations", max_examples=EXAMPLES, derandomize=True, database=None, deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    hypothesis.settings.load_profile("mutations")
    ours = [name for name in sys.modules if name == "harvestd" or name.startswith("harvestd.")]
    assert not ours, f"a trial would not read {ours} anew"


def begin(mutant: Mutant | None, tests: Sequence[Sequence[str]]) -> int:
    """Try it (None: the source as it is) with each group of tests until one fails; answers the process."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (MAX, MAX + 5))
        quiet = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(quiet, stream)
        sys.dont_write_bytecode = True
        if mutant is not None:
            sys.meta_path.insert(0, _Finder(mutant))
        noticed = any(pytest.main([*OPTIONS, *group]) not in (0, 5) for group in tests)
        os._exit(1 if noticed else 0)
    except BaseException:
        os._exit(1)


def ended() -> tuple[int, bool]:
    """Wait for the next one: the process, and whether its mutant was noticed."""
    pid, status = os.wait()
    return pid, status != 0


def stop(pids: Sequence[int]) -> None:
    """End what is still tried."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def groups(module: str) -> list[list[str]]:
    """The tests to try, the ones that mirror the module first."""
    room, _, name = module.removeprefix("harvestd.").replace(".", "/").rpartition("/")
    files = [str(path) for path in pure.tests()]
    first = [path for path in files if path.endswith(f"/{room}/test_{name}.py")]
    near = [path for path in files if f"/{room}/" in path and path not in first]
    return [group for group in (first, near, [path for path in files if path not in first + near]) if group]

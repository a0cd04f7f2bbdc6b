"""Which core does what. With two cores or more, what is measured has one of its own, and who loads it another."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import psutil

_CORES = sorted(os.sched_getaffinity(0))
#: Cores for what is measured, and for whoever sends it requests.
SERVER: frozenset[int] = frozenset(_CORES[:1])
LOAD: frozenset[int] = frozenset(_CORES[1:] or _CORES)


def pinned(cores: frozenset[int], command: Sequence[str]) -> list[str]:
    """The command that runs ``command`` on these cores alone."""
    return ["taskset", "--cpu-list", ",".join(map(str, sorted(cores))), *command]


def pin(pid: int, cores: frozenset[int]) -> None:
    """Move a process with all its descendants; those that it forks later are where it is, and those that end meanwhile need not
    be moved."""
    top = psutil.Process(pid)
    for process in (top, *top.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            for thread in process.threads():
                with suppress(ProcessLookupError):
                    os.sched_setaffinity(thread.id, cores)


@contextmanager
def beside_the_load(pid: int) -> Iterator[None]:
    """A process that serves what is measured, such as PostgreSQL, is on the load's cores meanwhile."""
    pin(pid, LOAD)
    try:
        yield
    finally:
        pin(pid, frozenset(_CORES))

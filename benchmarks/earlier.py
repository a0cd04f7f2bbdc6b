"""An earlier revision of harvestd, to take part beside this one."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.served import ROOT
from servers import temporary_folder


@contextmanager
def worktree(revision: str) -> Iterator[Path]:
    """A checkout of it in a temporary folder. Its processes use the libraries of the one virtualenv, and find their
    harvestd by PYTHONPATH (``served.from_source``)."""
    folder = temporary_folder("before", disk=True) / "harvestd"
    try:
        _git("worktree", "add", "--detach", "--force", str(folder), revision)
        yield folder
    finally:
        shutil.rmtree(folder.parent, ignore_errors=True)
        _git("worktree", "prune")


def _git(*arguments: str) -> None:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise SystemExit(f"git {arguments[0]} failed: {done.stderr.strip()}")

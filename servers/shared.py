"""What is made once in a run of the tests, whichever of its processes needs it first, and copied by all who need it."""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from servers.private import PREFIX, shared_base

#: In the environment of the processes of a run: the pid of the one that began it.
RUN = "TESTS_RUN"


def begin() -> None:
    """Take this process for the one that began the run, unless another is: what was made ends with it. What is left of one that was
    killed is swept by the next."""
    if RUN not in os.environ:
        os.environ[RUN] = str(os.getpid())
        atexit.register(_end, os.getpid())


def _end(pid: int) -> None:
    if os.getpid() == pid:
        for folder in shared_base().glob(f"{PREFIX}{pid}-shared-*"):
            shutil.rmtree(folder, ignore_errors=True)


def once(kind: str, make: Callable[[Path], None]) -> Path:
    """A folder that ``make`` has filled. Who comes while it is being made waits; who comes after a failure makes it anew."""
    begin()
    home = shared_base() / f"{PREFIX}{os.environ[RUN]}-shared-{kind}"
    home.mkdir(mode=0o700, exist_ok=True)
    with open(home / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "done").exists():
            shutil.rmtree(home / "made", ignore_errors=True)
            (home / "made").mkdir()
            make(home / "made")
            (home / "done").touch()
    return home / "made"


def copied(source: Path, target: Path) -> None:
    """A folder with all that is in it, its owners and modes too, at a place where there is nothing yet."""
    subprocess.run(["cp", "-Rp", source, target], check=True)

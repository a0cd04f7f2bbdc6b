"""``make install-bench``: the servers that are measured and what loads them, as ``make test`` installs its own; the extra
``bench``; and a virtualenv for each peer that has a requirements.txt, in ``.peers/``. A benchmark that lacks one is left out."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.pgbench import PLACES
from benchmarks.served import ENVIRONMENTS, PEERS, ROOT
from servers.install import SERVERS, search_engines
from servers.packages import Package, provided

#: Beside the servers: who sends requests, and the limit of orders. The embedded database has no pgbench.
TOOLS: tuple[Package, ...] = (("wrk", "wrk"), (PLACES, "postgresql-contrib"), ("taskset", "util-linux"))
PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")


def main() -> None:
    """Once for each list of packages."""
    provided((*SERVERS, *TOOLS), "the benchmarks")
    search_engines()
    _installed(
        ROOT / ".venv",
        Path(sys.executable),
        ROOT / "setup.cfg",
        "--config-settings",
        "editable_mode=compat",
        "-e",
        ".[bench,test]",
    )
    for wanted in sorted(PEERS.glob("*/requirements.txt")):
        folder = ENVIRONMENTS / wanted.parent.name
        python = folder / "bin" / "python"
        if not python.exists():
            venv.create(folder, with_pip=True, symlinks=True)
        _installed(folder, python, wanted, "-r", str(wanted))


def _installed(folder: Path, python: Path, wanted: Path, *what: str) -> None:
    stamp, text = folder / "bench-installed", wanted.read_text()
    if stamp.exists() and stamp.read_text() == text:
        return
    print(f"Installing {wanted.relative_to(ROOT)} into {folder.name}...", file=sys.stderr)
    subprocess.run([python, *PIP, *what], cwd=ROOT, check=True)
    stamp.write_text(text)


if __name__ == "__main__":
    main()

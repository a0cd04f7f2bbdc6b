"""What was measured on: a number without its machine says nothing."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import psutil

LIBRARIES = ("twisted", "klein", "psycopg2-binary", "txpostgres", "msgspec", "hiredis", "pika")
#: What prints the version of a server, and where in its output the version is.
SERVERS = {
    "Nginx": (("nginx", "-v"), r"nginx/(\S+)"),
    "Redis": (("redis-server", "--version"), r"v=(\S+)"),
    "wrk": (("wrk", "--version"), r"wrk \S*?(\d[\w.]*)"),
}


def machine() -> str:
    """Processor, cores, memory, kernel, Python."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GB; Linux {platform.release()}; "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


def versions(postgres: str) -> str:
    """Of the libraries and servers that take part; ``postgres`` is what the database says of itself."""
    libraries = [f"{name} {metadata.version(name)}" for name in LIBRARIES]
    servers = [f"PostgreSQL {postgres}"] + [f"{name} {found}" for name in SERVERS if (found := _version(name))]
    return ", ".join(libraries + servers)


def revision(folder: Path) -> str:
    """What is checked out there; "-dirty" where files differ from it."""
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude=*"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
    )
    return said.stdout.strip() or "unknown"


class Steal:
    """The share of time, in percent, that the machine's host gave to others since this was made: it makes all slower."""

    def __init__(self) -> None:
        self._began = self._times()

    def percent(self) -> float:
        """Of all cores together."""
        stolen, all_ = (now - then for now, then in zip(self._times(), self._began, strict=True))
        return 100 * stolen / all_ if all_ else 0.0

    def _times(self) -> tuple[int, int]:
        words = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
        ticks = [int(word) for word in words]
        return ticks[7], sum(ticks)


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found.group(1) if found else platform.machine()


def _version(name: str) -> str:
    command, pattern = SERVERS[name]
    program = shutil.which(command[0], path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        return ""
    said = subprocess.run(
        [program, *command[1:]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20
    )
    found = re.search(pattern, said.stdout)
    return found.group(1) if found else ""


if sys.platform != "linux":  # /proc, taskset and prctl
    raise SystemExit("the benchmarks run on Linux")

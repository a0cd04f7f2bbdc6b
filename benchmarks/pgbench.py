"""pgbench, sending what harvestd sends for an order: the limit that PostgreSQL sets to how many orders a second there can be.

The scripts are made of the server's log of real orders, so they are what the house does now: the same statements,
prepared by name in each session, in the same round trips. Ids and keys are fresh each time; all else stays as it was.
"""

from __future__ import annotations

import glob
import math
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Collection, Sequence
from pathlib import Path

import attrs

from benchmarks.cpu import Meter, Spent
from benchmarks.rate import Paced
from benchmarks.served import Absent
from benchmarks.statements import Trip
from benchmarks.taken import summed_up
from servers import PostgresServer
from servers.postgres import USER

PLACES = "/usr/lib/postgresql/*/bin/pgbench"
#: Of the beginning of a run, left out: connections open and prepare.
WARMING = 1.0
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_EXECUTED = re.compile(r'EXECUTE "([^"]+)"', re.IGNORECASE)
_PREPARED = re.compile(r'PREPARE "([^"]+)" AS', re.IGNORECASE)
# A decimal of twelve digits is the last group of a UUID; each client counts its own.
_HEAD = """\\set count :count + 1
\\set n 100000000000 + :client_id * 1000000000 + :count
"""


@attrs.frozen
class Sample:
    """One order as it was sent: its transaction, the key and the number that it had, and the ids that are not its own."""

    trips: Sequence[Trip]
    key: str
    number: str
    others: Collection[str]


def program(server: PostgresServer) -> str:
    """The server's own, or the distribution's. Raises :class:`Absent`."""
    folder = str(server.programs.folder)
    found = shutil.which("pgbench", path=folder) or next(iter(sorted(glob.glob(PLACES), reverse=True)), None)
    if found is None:
        raise Absent("pgbench is not installed: apt install postgresql-contrib")
    return found


def prepared(trips: Sequence[Trip]) -> dict[str, str]:
    """The statements that were prepared, by name, as they were sent."""
    pieces = [piece for trip in trips for piece in trip.statements]
    return {match[1]: piece for piece in pieces if (match := _PREPARED.match(piece))}


def script(sample: Sample, statements: dict[str, str], prefix: str) -> str:
    """A pgbench script that sends the sample anew, with ids (which begin with ``prefix``, the first three groups of a UUID),
    a key and a number of its own each time. ``statements`` are prepared once a session. KeyError when one that is executed
    is not among them."""
    fresh: dict[str, str] = {}

    def anew(match: re.Match[str]) -> str:
        given = match[0]
        if given in sample.others:
            return given
        return fresh.setdefault(given, f"{prefix}-8{len(fresh):03x}-:n")

    lines = []
    for trip in sample.trips:
        text = (
            _UUID.sub(anew, trip.text)
            .replace(sample.key, f"{prefix}:n")
            .replace(f"'{sample.number}'", f"'B{prefix}:n'")
            .replace(f'{{"{sample.number}"}}', f'{{"B{prefix}:n"}}')  # the only one of a list
        )
        lines.append(" \\; ".join(Trip(0, text).statements) + ";")
    used = {match[1] for trip in sample.trips for match in _EXECUTED.finditer(trip.text)}
    once = "".join(f"{statements[name]};\n" for name in sorted(used))
    return f"\\if :ready = 0\n{once}\\set ready 1\n\\endif\n{_HEAD}" + "\n".join(lines) + "\n"


def run(
    server: PostgresServer, database: str, samples: Sequence[Sample], statements: dict[str, str], seconds: float,
    connections: int,
) -> Paced:  # fmt: skip
    """Send the samples, one or the other by chance, on so many connections at once: transactions a second, latency of a
    transaction. RuntimeError when any fails."""
    now = f"{time.time_ns() // 1_000_000:012x}"  # as in a UUID of version 7
    prefix = f"{now[:8]}-{now[8:]}-7000"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = []
        for number, sample in enumerate(samples):
            (folder / f"{number}.sql").write_text(script(sample, statements, prefix))
            files += ["-f", f"{number}.sql"]
        meter = Meter()
        done = subprocess.run(
            [program(server), "-n", "-M", "simple", f"-c{connections}", "-j1", f"-T{math.ceil(seconds + WARMING)}", "-l",
             "-D", "ready=0", "-D", "count=0", *files, "-h", str(server.folder), "-p", str(server.port), "-U", USER, database],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds + 60,
        )  # fmt: skip
        if done.returncode or "aborted" in done.stdout:
            told = [line for line in done.stdout.splitlines() if "error" in line.lower()]
            raise RuntimeError(f"pgbench failed: {chr(10).join(told) or done.stdout[-3000:]}")
        log = "".join(path.read_text() for path in folder.glob("pgbench_log.*"))
        return _taken(log, meter.spent(log.count("\n"), itself=True))


def _taken(log: str, spent: Spent) -> Paced:
    # client, number, microseconds, script, and when it ended: seconds and microseconds
    rows = [line.split() for line in log.splitlines()]
    ended = [(int(row[4]) + int(row[5]) / 1e6, int(row[2]) / 1000) for row in rows]
    first = min(when for when, _ in ended) + WARMING
    seconds = max(when for when, _ in ended) - first
    return summed_up((ms for when, ms in ended if when >= first), seconds, spent)

"""From the start of a process until it answers: with its embedded database, new or there already, and with a server's."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import attrs

from benchmarks.contest import contest, of, spent
from benchmarks.cpu import Meter, Spent
from benchmarks.ground import Ground
from benchmarks.results import Figure, Target
from benchmarks.served import harvestd
from servers import temporary_folder

FIRST, LATER, SERVER = "embedded, first run", "embedded, later runs", "on a PostgreSQL that runs"
LONGEST = 5.0


@attrs.frozen
class Start:
    """Seconds (``rate`` is what a round says of itself), and the CPU of it."""

    rate: float
    spent: Spent


def run(ground: Ground) -> list[Figure]:
    """Each round has a folder of its own, made by its first run and used by the later one."""
    url = ground.market(10_000)
    place = temporary_folder("starting", disk=True)
    place.chmod(0o755)  # the account of the database goes through it
    folder = place / "data"

    def first() -> Start:
        shutil.rmtree(folder, ignore_errors=True)
        return _seconds("", folder)

    def later() -> Start:
        if not folder.exists():
            _seconds("", folder)
        return _seconds("", folder)

    contestants: dict[str, Callable[[], Start]] = {
        FIRST: first, LATER: later, SERVER: lambda: _seconds(url, place / "other"),
    }  # fmt: skip
    try:
        found = contest(ground, contestants, 2 if ground.quick else ground.rounds)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return [
        Figure(
            name="starting", title="From the start of the process to the first answer", unit="seconds", better="less",
            rounds=of(found, lambda each: each.rate), per="start", **spent(found), targets=[Target(FIRST, value=LONGEST), Target(LATER, value=LONGEST)],
            notes=[
                "From exec to a listing that is answered with 200, on one core. The first run makes the embedded database "
                "and its schema; Python's files are compiled already, the disk's cache is warm.",
            ],
        )
    ]  # fmt: skip


def _seconds(url: str, folder: Path) -> Start:
    process = harvestd(url, ready="/api/products?limit=20", data_dir=folder, workers="auto")
    began = time.monotonic()
    meter = Meter()
    with process:
        took = time.monotonic() - began
        return Start(took, meter.begun(process.pid))

"""Sign-ins: how many a second a core can do, whether their time tells who has an account, and what they do to everybody else."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.contest import contest, of
from benchmarks.cpu import by_rounds
from benchmarks.ground import Ground
from benchmarks.pinning import SERVER, pinned
from benchmarks.rate import Paced, paced, request
from benchmarks.results import Figure, Target
from benchmarks.served import Served, harvestd
from tests import daemons

OURS, HASH = "harvestd", "argon2 alone"
UNKNOWN, WRONG = "unknown address", "wrong password"
CALLBACK, COMPUTED, OTHER = "the reactor's longest callback", "its longest by CPU", "another client's slowest answer"
ADA = {"email": "ada@example.org", "password": "carrots by the kilogram"}
#: Sign-ins at once, and the longest that they may hold the reactor, in ms.
CROWD, LONGEST = 100, 20.0
#: From here on callbacks are reported, in seconds.
REPORTED = 0.002
#: Verifies one password until the time is over; prints how often, and the seconds.
ALONE = """
import sys, time
from harvestd.market.accounts.passwords import _HASHER
stored, began, done = _HASHER.hash("carrots by the kilogram"), time.perf_counter(), 0
while (took := time.perf_counter() - began) < float(sys.argv[1]):
    done += _HASHER.verify(stored, "carrots by the kilogram")
print(done / took)
"""


def run(ground: Ground) -> list[Figure]:
    """One account, which is registered first."""
    url = ground.market(1_000, "sign-ins")
    bounds: dict[str, Any] = {"password_queue": 1000, "password_wait": 60, "requests_per_address": 1000}
    with harvestd(url, **bounds) as process:
        _register(process)
        figures = [_rate(ground, process), _timing(ground, process)]
    with harvestd(url, cores=None, debug_slow_callback=REPORTED, **bounds) as process:
        return [*figures, _pause(ground, process)]


def _register(process: Served) -> None:
    status, answer, _ = daemons.request(
        process.port, "POST", "/api/auth/register", ADA | {"username": "ada", "name": "Ada Archer", "role": "buyer"}
    )
    assert status == 201, answer


def _logins() -> Iterator[bytes]:
    while True:
        yield request("POST", "/api/auth/login", json.dumps(ADA).encode())


def _rate(ground: Ground, process: Served) -> Figure:
    seconds = 3 * ground.seconds

    def ours() -> Paced:
        found = paced(process.port, _first(_logins(), 1000), 0, seconds, connections=8)
        assert not found.failed, found.statuses
        return found

    def alone() -> Paced:
        command = pinned(SERVER, [sys.executable, "-c", ALONE, str(seconds)])
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=True)
        return Paced(float(done.stdout), 0, 0, 0, 0, {}, 0)

    found = contest(ground, {OURS: ours, HASH: alone})
    return Figure(
        name="sign-ins", title="Sign-ins on one core", unit="sign-ins/s", rounds=of(found, lambda each: each.rate), per="sign-in",
        cpu=by_rounds({OURS: [each.spent for each in found[OURS]]}), targets=[Target(OURS, HASH, 0.8)],
        notes=["argon2id with 64 MiB and three passes, as each sign-in verifies it; what is above it are tokens, rows and HTTP."],
    )  # fmt: skip


def _first(every: Iterator[bytes], most: int) -> list[bytes]:
    return [each for each, _ in zip(every, range(most), strict=False)]


def _timing(ground: Ground, process: Served) -> Figure:
    tries = 15 if ground.quick else 40
    rounds: dict[str, list[float]] = {UNKNOWN: [], WRONG: []}
    for _ in range(ground.rounds):
        took: dict[str, list[float]] = {UNKNOWN: [], WRONG: []}
        for number in range(2 * tries):
            which = UNKNOWN if (number + number // 2) % 2 else WRONG
            email = ADA["email"] if which == WRONG else f"somebody{number}@example.org"
            took[which].append(_refused(process.port, email))
        for which in rounds:
            rounds[which].append(statistics.median(took[which]))
    return Figure(
        name="sign-in-timing", title="A refused sign-in, by why it is refused", unit="ms", better="less", rounds=rounds,
        targets=[Target(UNKNOWN, WRONG, 0.95), Target(WRONG, UNKNOWN, 0.95)],
        notes=[f"Medians of {tries} each a round, one at a time, in turn: whoever measures them must not learn who has an account."],
    )  # fmt: skip


def _refused(port: int, email: str) -> float:
    began = time.perf_counter()
    status, answer, _ = daemons.request(
        port, "POST", "/api/auth/login", {"email": email, "password": "turnips by the dozen"}
    )
    assert status == 401, answer
    return 1000 * (time.perf_counter() - began)


def _pause(ground: Ground, process: Served) -> Figure:
    rounds: dict[str, list[float]] = {CALLBACK: [], COMPUTED: [], OTHER: []}
    for _ in range(ground.rounds):
        said, stop = len((process.folder / "log").read_bytes()), threading.Event()
        slowest: list[float] = []
        other = threading.Thread(target=_ask, args=(process.port, stop, slowest))
        other.start()
        found = paced(process.port, _first(_logins(), CROWD), 0, 60, connections=CROWD)
        stop.set()
        other.join()
        assert found.statuses == {200: CROWD}, found.statuses
        log = (process.folder / "log").read_bytes()[said:].decode(errors="replace")
        held = re.findall(r"held the reactor for ([\d.]+) s \(([\d.]+) s of CPU", log)
        rounds[CALLBACK].append(max((1000 * float(clock) for clock, _ in held), default=0.0))
        rounds[COMPUTED].append(max((1000 * float(cpu) for _, cpu in held), default=0.0))
        rounds[OTHER].append(max(slowest))
        ground.say(
            f"{CROWD} sign-ins at once, ms: " + ", ".join(f"{name} {each[-1]:.1f}" for name, each in rounds.items())
        )
    return Figure(
        name="sign-in-pause", title=f"What {CROWD} sign-ins at once do to the reactor", unit="ms", better="less", rounds=rounds,
        targets=[Target(CALLBACK, value=LONGEST)],
        notes=[
            f"The process has all cores, its hashing threads a lower priority. Callbacks are reported from {1000 * REPORTED:.0f} ms on. The other client "
            "asks for /health, one request after the other. By the clock they are as long as the operating system lets the process wait, too.",
        ],
    )  # fmt: skip


def _ask(port: int, stop: threading.Event, took: list[float]) -> None:
    connection = daemons.connect(port)
    while not stop.is_set():
        began = time.perf_counter()
        assert daemons.exchange(connection, "GET", "/health")[0] == 200
        took.append(1000 * (time.perf_counter() - began))
        time.sleep(0.001)
    connection.close()

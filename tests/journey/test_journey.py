"""What a stranger does: take the source, ``make run``, and walk the contract. Then stop, start again, and find it all there."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harvestd.store.embedded.placement import ELSEWHERE
from servers import free_port, temporary_folder, wait_until
from tests.daemons import request

ROOT = Path(__file__).parents[2]
JOURNEY = Path(__file__).with_name("journey.py")

#: What is installed is compiled when it is first used, and not all of it beforehand.
AS_NEEDED = {"PIP_NO_COMPILE": "1"}
pytestmark = pytest.mark.xdist_group("journey")  # the source is installed once


@pytest.fixture(scope="module")
def source() -> Iterator[Path]:
    """The source as a stranger would have it: every file that is not ignored, in a folder that only its owner may enter."""
    home = temporary_folder("home")
    checkout = home / "harvestd"
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            target = checkout / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    yield checkout
    shutil.rmtree(home)


class Running:
    """``make run`` in a checkout."""

    def __init__(self, checkout: Path, port: int) -> None:
        self.checkout = checkout
        self.port = port
        self.log = checkout / "make.out"
        self.process: subprocess.Popen[bytes] | None = None
        self.took = 0.0

    def start(self, seconds: float) -> float:
        """Until it is ready; answers how long that took."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("HARVEST_", "VIRTUAL_ENV", "PYTHON", "MAKE"))}
        began = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["make", "run"], cwd=self.checkout, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, env=clean | {"HARVEST_HTTP_PORT": str(self.port), "HARVEST_RATE_REGISTER": "1000/3600"} | AS_NEEDED,
            )  # fmt: skip
        wait_until("make run is ready", self._ready, seconds)
        return time.monotonic() - began

    def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-4000:]
        try:
            return request(self.port, "GET", "/health/ready")[0] == 200
        except OSError:
            return False

    def stop(self) -> None:
        """Ctrl-C, as at a terminal: to the whole group."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
            try:
                self.process.wait(30)
            finally:
                if self.process.poll() is None:  # whoever runs the tests has SIGINT ignored
                    os.killpg(self.process.pid, signal.SIGTERM)
                    self.process.wait(20)


@pytest.fixture(scope="module")
def running(source: Path) -> Iterator[Running]:
    market = Running(source, free_port())
    try:
        market.took = market.start(300)
        yield market
    finally:
        market.stop()
        placed = (
            source / "data" / "postgres"
        ).resolve()  # as root in a private home: where the database's account can reach
        if placed.parent.parent == ELSEWHERE:
            shutil.rmtree(placed.parent)


def walk(running: Running) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", JOURNEY, f"http://127.0.0.1:{running.port}", "--mail", running.checkout / "data" / "mail"],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def demo_product(running: Running) -> Any:
    return request(running.port, "GET", "/api/products?limit=1")[1]["items"][0]["id"]


@pytest.mark.timeout(600)
def test_the_journey_against_make_run(running: Running, measured: Callable[[str], None]) -> None:
    measured(f"the first start took {running.took:.1f} s, with the installation")
    done = walk(running)
    assert done.returncode == 0, done.stdout + done.stderr + running.log.read_text()[-4000:]
    said = running.log.read_text()
    assert f"http://127.0.0.1:{running.port}" in said and "/docs" in said
    for who in ("buyer@example.org", "farmer@example.org", "admin@example.org"):
        assert who in said


@pytest.mark.timeout(300)
def test_stopping_and_starting_again_keeps_the_data(running: Running, measured: Callable[[str], None]) -> None:
    before = demo_product(running)
    running.stop()
    measured(f"a later start took {running.start(60):.1f} s")
    assert demo_product(running) == before
    done = walk(running)
    assert done.returncode == 0, done.stdout + done.stderr

"""What held the reactor is read from what the watch writes, and who computes is told from who waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from twisted.internet.threads import deferToThread
from twisted.logger import globalLogPublisher

from harvestd.process.slow_callbacks import Watch
from harvestd.store.embedded import binaries
from tests import blocking
from tests.slow import LIMIT, MAX_CPU, Heard, Held, heard, reports


def reported(work: Callable[[], object], place: str = "step (/x/harvestd/web/gate.py:5)") -> list[Held]:
    """What is found of a callback that does this work at that place."""
    watch, found = Watch(LIMIT), Heard()

    def callback() -> None:
        watch.where = place
        work()

    globalLogPublisher.addObserver(found)
    try:
        watch.run(callback, (), {}, "callback")
    finally:
        globalLogPublisher.removeObserver(found)
        heard.text = ""  # it is no report of this run
    return list(reports(found.text))


def compute(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_who_waits_takes_time_and_no_cpu() -> None:
    (held,) = reported(lambda: time.sleep(LIMIT * 2))
    assert held.seconds >= LIMIT * 2
    assert held.cpu < held.seconds / 2
    assert held.place == "step (harvestd/web/gate.py:5)"


def test_who_computes_takes_cpu() -> None:
    (held,) = reported(lambda: compute(MAX_CPU))
    assert held.cpu >= MAX_CPU, "so its test would fail"


def test_what_is_short_or_not_ours_is_not_reported() -> None:
    assert reported(lambda: None) == []
    assert reported(lambda: time.sleep(LIMIT * 2), "test_x (/x/tests/test_x.py:1)") == []


def test_a_long_log_of_other_lines_is_read_at_once() -> None:
    began = time.thread_time()
    assert list(reports(f"GET /api/products/{'x' * 200} 200 from 127.0.0.1\n" * 10_000)) == []
    assert time.thread_time() - began < 0.5


async def test_what_blocks_on_the_reactors_thread_is_found_however_fast_it_was(tmp_path: Path) -> None:
    tmp_path.joinpath("bin").mkdir()
    for program in ("initdb", "postgres"):
        tmp_path.joinpath("bin", program).touch()
    await deferToThread(binaries._look, tmp_path / "bin")
    assert blocking.found() == [], "a thread may wait"
    binaries._look(tmp_path / "bin")
    (found,) = blocking.found()
    assert found.startswith("subprocess.Popen in _look (store/embedded/binaries.py:")

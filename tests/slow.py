"""What held the reactor, of the tests' process and of every daemon that they started.

Both run with the watch of ``harvestd/process/slow_callbacks.py``. What it reported stands at the end of the run, each place
once, and is no failure: a machine that is busy preempts, and a test may freeze a process. But what *computed* for longer than
``MAX_CPU`` would hold up everybody else on any machine, and fails its test; so does what *blocks* (``tests/blocking.py``),
however fast this machine was with it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import attrs
import pytest
from twisted.logger import ILogObserver, formatEvent, globalLogPublisher
from zope.interface import implementer

from tests import blocking
from tests.daemons import LOGS, WATCH

#: Seconds after which a callback is reported, those of CPU that fail a test, and those that are told by their place.
LIMIT, MAX_CPU, CPU_TOLD = 0.05, 0.5, 0.02
#: Only what our code did counts: a test's own coroutine may take its time.
OURS = "/harvestd/"

#: It begins with what is rare, and so is looked for at the pace of a search for text: a log may have a million lines.
_HELD = re.compile(r" held the reactor for ([0-9.]+) s \(([0-9.]+) s of CPU\) at ([^\n]*)")
_PLACE = re.compile(r"(\w+) \([^)]*(/harvestd/(?!process/slow_callbacks)[^)]*|/tests/[^)]*)\)")


@attrs.frozen
class Held:
    """One report: seconds by the clock and of CPU, and where."""

    seconds: float
    cpu: float
    place: str


def reports(text: str) -> Iterator[Held]:
    """Those in a log, of our code alone, each named by its innermost place in it; none where a test itself is further in."""
    for seconds, cpu, where in _HELD.findall(text):
        place = _PLACE.search(where)
        if place is not None and place[2].startswith(OURS) and float(seconds) >= LIMIT:
            yield Held(float(seconds), float(cpu), f"{place[1]} ({place[2].lstrip('/')})")


def pytest_configure(config: pytest.Config) -> None:
    WATCH["DEBUG_SLOW_CALLBACK"] = LIMIT


@implementer(ILogObserver)
class Heard:
    """An observer that keeps what the watch of this process says."""

    def __init__(self) -> None:
        self.text = ""

    def __call__(self, event: dict[str, Any]) -> None:
        if event.get("log_namespace") == "harvestd.process.slow_callbacks":
            self.text += formatEvent(event) + "\n"


heard = Heard()


@pytest.fixture(autouse=True, scope="session")
def _watched() -> Iterator[None]:
    """Have the reactor of this process watched, but not while it waits for a test that is no coroutine: pytest-twisted runs
    those, and most fixtures, in a greenlet of their own, out of whatever callback there was."""
    import greenlet
    import pytest_twisted
    from twisted.internet import reactor

    from harvestd.process import slow_callbacks

    watch = slow_callbacks.report(reactor, LIMIT)
    blocking.look_at(watch, threading.get_ident())
    globalLogPublisher.addObserver(heard)

    within = False

    def switched(event: str, greenlets: tuple[Any, Any]) -> None:
        nonlocal within
        origin, target = greenlets
        if origin is pytest_twisted._instances.gr_twisted:
            within, watch.since = watch.since > 0, 0.0
        elif target is pytest_twisted._instances.gr_twisted and within:
            watch.begin()

    greenlet.settrace(switched)
    yield
    greenlet.settrace(None)
    globalLogPublisher.removeObserver(heard)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Before a fixture deletes its folder."""
    _read_logs()


def _read_logs() -> None:
    for log, read in list(LOGS.items()):
        try:
            size = log.stat().st_size
        except FileNotFoundError:
            if read:  # its folder has gone since
                del LOGS[log]
            continue
        if size > read:
            with log.open("rb") as file:
                file.seek(read)
                heard.text += file.read().decode(errors="replace")
                LOGS[log] = file.tell()


@pytest.fixture(autouse=True)
def _nothing_computes_for_long(request: pytest.FixtureRequest) -> Iterator[None]:
    """Set up before and checked after every other fixture of the test."""
    yield
    _read_logs()
    text, heard.text = heard.text, ""
    found = list(reports(text))
    request.node.user_properties.extend(("held", attrs.astuple(one)) for one in found)
    long = [f"{one.place}: {one.cpu:.3f} s of CPU" for one in found if one.cpu > MAX_CPU]
    long += [f"{place}: work that blocks, and belongs into a thread" for place in blocking.found()]
    if long:
        pytest.fail("the reactor was held by\n" + "\n".join(long), pytrace=False)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    kinds: Iterable[Any] = (report for kind in terminalreporter.stats.values() for report in kind)
    properties = [
        (name, value) for one in kinds if getattr(one, "when", "") == "teardown" for name, value in one.user_properties
    ]
    places: dict[str, list[Held]] = {}
    for held in (Held(*value) for name, value in properties if name == "held"):
        places.setdefault(held.place, []).append(held)
    if not places:
        return
    terminalreporter.section("what held the reactor")
    told = sorted(places.items(), key=lambda item: -max(held.cpu for held in item[1]))
    for place, all_of in told:
        cpu, seconds = max(held.cpu for held in all_of), max(held.seconds for held in all_of)
        if cpu >= CPU_TOLD:
            terminalreporter.line(f"{cpu:.3f} s of CPU, {seconds:.3f} s by the clock, {len(all_of)} times: {place}")
    rest = [held for all_of in places.values() for held in all_of if held.cpu < CPU_TOLD]
    if rest:
        terminalreporter.line(
            f"{len(rest)} times for more than {LIMIT} s by the clock, with less CPU than {CPU_TOLD} s"
        )

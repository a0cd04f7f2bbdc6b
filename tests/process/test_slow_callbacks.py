"""What is told of a callback that holds the reactor: where it was, whether it computes or is inside one call of C."""

from __future__ import annotations

import re
import subprocess
import sys

PROGRAM = """
import sys, time
from twisted.internet import reactor
from twisted.logger import globalLogPublisher, textFileLogObserver
from harvestd.process import slow_callbacks

def deep(levels):
    return levels and 1 + deep(levels - 1)

def computes():
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        deep(400)

def waits_in_c():
    time.sleep(0.2)

globalLogPublisher.addObserver(textFileLogObserver(sys.stdout))
slow_callbacks.report(reactor, 0.001)
for function in (computes, waits_in_c):
    reactor.callLater(0, function)
reactor.callLater(0, reactor.stop)
reactor.run()
"""


def test_where_it_was_is_told_though_its_stack_changes_all_the_time_or_it_is_in_c() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    told = dict(re.findall(r"(\w+) held the reactor for [0-9.]+ s \([0-9.]+ s of CPU\) at (.*)", done.stdout))
    assert "deep (" in told["computes"] or "computes (" in told["computes"]
    assert told["waits_in_c"].startswith("waits_in_c (")

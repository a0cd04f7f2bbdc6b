"""A test's bounds hold on a busy machine, and its ports are its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from servers import wait_until
from servers.pace import Pace
from servers.ports import PORTS, free_port

SPIN = "import time; end = time.process_time() + 0.2\nwhile time.process_time() < end: pass\ninput()"


def test_who_waits_for_something_else_than_a_processor_takes_that_long() -> None:
    pace = Pace()
    time.sleep(0.2)
    assert pace.seconds() > 0.1


@pytest.mark.skipif(not os.path.exists("/proc/self/schedstat"), reason="this system does not count it")
def test_who_waits_for_a_processor_that_others_have_does_not_count_it() -> None:
    """Four children want the one processor that they are given: together they take four times as long as each was given."""
    one = min(os.sched_getaffinity(0))
    spinning = [
        subprocess.Popen([sys.executable, "-c", f"import os; os.sched_setaffinity(0, {{{one}}}); {SPIN}"],
                         stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(4)
    ]  # fmt: skip
    began, pace = time.monotonic(), Pace()
    try:
        wait_until("they have spun", lambda: sum(map(cpu, spinning)) >= 4 * 0.1, 60)
        assert pace.seconds() < (time.monotonic() - began) / 2
    finally:
        for child in spinning:
            child.kill()
            child.communicate()


def cpu(child: subprocess.Popen[bytes]) -> float:
    with open(f"/proc/{child.pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_no_port_is_given_twice_not_even_to_another_process() -> None:
    script = "from servers.ports import *; print(*(free_port() for _ in range(50)), flush=True); input()"
    others = [
        subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        ports = [free_port() for _ in range(50)]
        for other in others:
            assert other.stdout is not None
            ports += map(int, other.stdout.readline().split())
    finally:
        for other in others:
            other.communicate("\n")
    assert len(ports) == len(set(ports)) == 150
    assert all(port in PORTS for port in ports)

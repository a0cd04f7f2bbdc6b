"""The harness itself: it fails the test that leaks, and only that one."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ("pytester",)
ROOT = Path(__file__).parent.parent

LEAKY = """
import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred, fail
from twisted.internet.protocol import Factory
from twisted.logger import Logger

log = Logger()

async def test_leaves_a_timer():
    reactor.callLater(3600, print)

async def test_leaves_a_port():
    reactor.listenTCP(0, Factory(), interface="127.0.0.1")

async def test_leaves_a_failed_deferred():
    fail(ValueError("nobody looked"))

def test_leaves_a_logged_failure():
    try:
        1 / 0
    except ZeroDivisionError:
        log.failure("oh")

async def test_hangs():
    await Deferred()

test_hangs = pytest.mark.limit(0.1)(test_hangs)

async def test_is_clean():
    waiting = Deferred()
    reactor.callLater(0.01, waiting.callback, None)
    await waiting
    port = reactor.listenTCP(0, Factory(), interface="127.0.0.1")
    await port.stopListening()

def test_expects_its_error(expected_errors):
    log.error("this one")
    assert expected_errors() == ["this one"]

@pytest.mark.logs_errors
async def test_may_log():
    fail(ValueError("expected"))
"""


def test_leaks_fail_their_own_test_and_no_other(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest("from tests.conftest import *\n")
    pytester.makepyfile(LEAKY)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-q", "-rA", timeout=60)
    result.assert_outcomes(passed=7, errors=4, failed=1)
    text = result.stdout.str()
    for leak in ("timer", "port", "failed_deferred", "logged_failure"):
        assert f"ERROR test_leaks_fail_their_own_test_and_no_other.py::test_leaves_a_{leak}" in text
    assert "nobody looked" in text and "a delayed call" in text and "an open descriptor" in text

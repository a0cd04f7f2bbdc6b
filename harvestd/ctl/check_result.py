"""How doctor runs one check: isolated and with a timeout, so that any failure becomes one more finding."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import attrs
from twisted.internet.defer import Deferred

from harvestd.runtime.lifecycle import within

#: The timeout of one check, in seconds.
BOUND = 20.0
_CURE = "look at its own log; doctor knows no more of it than this"


@attrs.frozen
class CheckResult:
    """The result of one check: ``words`` describe the state, ``cure`` the remedy if it is not ``fine``."""

    subject: str
    fine: bool
    words: str
    cure: str = ""


def examined(
    reactor: Any, subject: str, look: Callable[[], Iterable[CheckResult]], bound: float = BOUND
) -> Deferred[list[CheckResult]]:
    """Run the blocking check ``look`` in a daemon thread, which does not delay the exit. An exception, or a timeout after
    ``bound`` seconds, is a finding too."""
    found: list[CheckResult] = []
    done: Deferred[list[CheckResult]] = Deferred()

    def work() -> None:
        try:
            for finding in look():
                found.append(finding)
        except Exception as error:
            found.append(failed(subject, error))
        reactor.callFromThread(settle)

    def settle() -> None:
        if not done.called:
            timer.cancel()
            done.callback(list(found))

    def late() -> None:
        done.callback([*found, CheckResult(subject, False, f"no answer within {bound:g} s", _CURE)])

    timer = reactor.callLater(bound, late)
    threading.Thread(target=work, name=f"doctor-{subject}", daemon=True).start()
    return done


def looked_at(
    reactor: Any, subject: str, look: Callable[[], AsyncIterator[CheckResult]], bound: float = BOUND
) -> Deferred[list[CheckResult]]:
    """The same for a check that waits on the reactor: whatever ends it, the results so far are kept."""
    found: list[CheckResult] = []

    async def gather() -> None:
        async for result in look():
            found.append(result)

    async def bounded() -> list[CheckResult]:
        try:
            await within(reactor, bound, gather())
        except Exception as error:
            found.append(failed(subject, error))
        return found

    return Deferred.fromCoroutine(bounded())


def failed(subject: str, error: BaseException) -> CheckResult:
    """An exception as a finding."""
    return CheckResult(subject, False, f"could not be looked at: {type(error).__name__}: {first_line(error)}", _CURE)


def first_line(error: BaseException) -> str:
    """The first line of its message or, if that is empty, of the exception that it wraps."""
    while not str(error).strip() and error.args and isinstance(error.args[0], BaseException):
        error = error.args[0]
    cause = getattr(error, "exception", None) or error
    return (str(cause).strip().splitlines() or [repr(cause)])[0]

"""How doctor looks at one thing: by itself, bounded, and whatever goes wrong is a finding beside those that came before."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import attrs
from twisted.internet.defer import Deferred

from harvestd.runtime.lifecycle import within

#: Longest that is looked at one thing, in seconds.
BOUND = 20.0
_CURE = "look at its own log; doctor knows no more of it than this"


@attrs.frozen
class CheckResult:
    """One thing that was looked at: ``words`` say how it is, ``cure`` what to do when it is not ``fine``."""

    subject: str
    fine: bool
    words: str
    cure: str = ""


def examined(
    reactor: Any, subject: str, look: Callable[[], Iterable[CheckResult]], bound: float = BOUND
) -> Deferred[list[CheckResult]]:
    """What ``look`` finds, which blocks: in a thread of its own that nobody waits for at the end. What it raises, or does not
    finish within ``bound`` seconds, is a finding too."""
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


async def _caught(reactor: Any, subject: str, look: Callable[[], Any], bound: float) -> list[CheckResult]:
    try:
        found: list[CheckResult] = await within(reactor, bound, look())
        return found
    except Exception as error:
        return [failed(subject, error)]


def looked_at(
    reactor: Any, subject: str, look: Callable[[], Awaitable[list[CheckResult]]], bound: float = BOUND
) -> Deferred[list[CheckResult]]:
    """The same, of what waits on the reactor."""
    return Deferred.fromCoroutine(_caught(reactor, subject, look, bound))


def failed(subject: str, error: BaseException) -> CheckResult:
    """What was raised, as a finding."""
    return CheckResult(subject, False, f"could not be looked at: {type(error).__name__}: {first_line(error)}", _CURE)


def first_line(error: BaseException) -> str:
    """The first line of what it says, or of what it is wrapped around where it says nothing itself."""
    while not str(error).strip() and error.args and isinstance(error.args[0], BaseException):
        error = error.args[0]
    cause = getattr(error, "exception", None) or error
    return (str(cause).strip().splitlines() or [repr(cause)])[0]

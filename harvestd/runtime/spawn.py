"""Background work of a part that starts and stops it itself. Work of a whole process is :meth:`Lifecycle.spawn`'s, which ends it."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

log = Logger()


def spawn(what: str, coroutine: Coroutine[Any, Any, Any]) -> Deferred[None]:
    """Run it; a failure is logged under ``what``. Answers a Deferred that fires with None at its end, whatever that is; cancelling it
    cancels the work."""

    def ended(result: Any) -> None:
        if isinstance(result, Failure) and not result.check(CancelledError):
            log.failure("{what} failed", failure=result, what=what)

    return Deferred.fromCoroutine(coroutine).addBoth(ended)

"""Background tasks of a part that starts and stops them itself. For those of a whole process, use :meth:`Lifecycle.spawn`."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

log = Logger()


def spawn(what: str, coroutine: Coroutine[Any, Any, Any]) -> Deferred[None]:
    """Run ``coroutine``; a failure is logged under ``what``. Returns a Deferred that fires with None on success and failure alike;
    cancelling it cancels the work."""

    def ended(result: Any) -> None:
        if isinstance(result, Failure) and not result.check(CancelledError):
            log.failure("{what} failed", failure=result, what=what)

    return Deferred.fromCoroutine(coroutine).addBoth(ended)

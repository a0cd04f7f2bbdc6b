"""Who asked: the request id and W3C trace that a request, its events and its worker runs share.

Held in a context variable, which follows a coroutine across ``await``. A bare ``addCallback`` runs in the context of
whatever fires it, so code that leaves coroutines must carry the trace by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import attrs


@attrs.frozen
class Trace:
    """``request_id`` is what people quote; ``traceparent`` is the W3C Trace Context header, or empty."""

    request_id: str = ""
    traceparent: str = ""


_current: ContextVar[Trace] = ContextVar("harvestd-trace", default=Trace())  # noqa: B039 (a frozen value)


def current_trace() -> Trace:
    """The trace of the running coroutine; an empty one outside of any request or event."""
    return _current.get()


@contextmanager
def tracing(trace: Trace) -> Iterator[Trace]:
    """Run the body under ``trace``."""
    token = _current.set(trace)
    try:
        yield trace
    finally:
        _current.reset(token)

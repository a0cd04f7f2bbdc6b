"""Trace context: the request id and W3C trace shared by a request, its events and its worker runs.

Kept in a context variable, which follows a coroutine across ``await``. A bare ``addCallback`` runs in the context of the code
that fires it, so code outside coroutines must carry the trace by hand. The client address of searches is kept the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import TypeVar

import attrs

Value = TypeVar("Value")


@attrs.frozen
class Trace:
    """``request_id`` is for people to quote; ``traceparent`` is the W3C Trace Context header, or empty."""

    request_id: str = ""
    traceparent: str = ""


_current: ContextVar[Trace] = ContextVar("harvestd-trace", default=Trace())  # noqa: B039 (a frozen value)


def current_trace() -> Trace:
    """The trace of the running coroutine; empty outside any request or event."""
    return _current.get()


def _stays() -> bool:
    return False


#: Who asks, and whether they are gone.
_asker: ContextVar[tuple[str, Callable[[], bool]]] = ContextVar("harvestd-asker", default=("", _stays))


def current_asker() -> str:
    """The client address or network for which the running coroutine works; empty outside requests."""
    return _asker.get()[0]


def current_gone() -> Callable[[], bool]:
    """What tells whether the client is gone for which the running coroutine works; outside requests nobody ever is."""
    return _asker.get()[1]


def tracing(trace: Trace) -> AbstractContextManager[Trace]:
    """Run the body under ``trace``."""
    return _Held(_current, trace)


def asked_by(who: str, gone: Callable[[], bool] = _stays) -> AbstractContextManager[tuple[str, Callable[[], bool]]]:
    """Run the body on behalf of ``who``, a client address or network; ``gone()`` tells whether the client is."""
    return _Held(_asker, (who, gone))


class _Held(AbstractContextManager[Value]):
    """Sets the variable for the body. (Not a generator: each request uses two, and generators cost three times as much.)"""

    __slots__ = ("_token", "_value", "_variable")

    def __init__(self, variable: ContextVar[Value], value: Value) -> None:
        self._variable, self._value = variable, value

    def __enter__(self) -> Value:
        self._token = self._variable.set(self._value)
        return self._value

    def __exit__(self, *raised: object) -> None:
        try:
            self._variable.reset(self._token)
        except ValueError:
            pass  # cancelled: the body ends in the canceller's context, which keeps its own value

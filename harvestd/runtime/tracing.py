"""Who asked: the request id and W3C trace that a request, its events and its worker runs share.

Held in a context variable, which follows a coroutine across ``await``. A bare ``addCallback`` runs in the context of
whatever fires it, so code that leaves coroutines must carry the trace by hand. So is the address for which searches are done.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import TypeVar

import attrs

Value = TypeVar("Value")


@attrs.frozen
class Trace:
    """``request_id`` is what people quote; ``traceparent`` is the W3C Trace Context header, or empty."""

    request_id: str = ""
    traceparent: str = ""


_current: ContextVar[Trace] = ContextVar("harvestd-trace", default=Trace())  # noqa: B039 (a frozen value)


def current_trace() -> Trace:
    """The trace of the running coroutine; an empty one outside of any request or event."""
    return _current.get()


_asker: ContextVar[str] = ContextVar("harvestd-asker", default="")


def current_asker() -> str:
    """For whom the running coroutine works: a client's address or network; nobody outside of requests."""
    return _asker.get()


def tracing(trace: Trace) -> AbstractContextManager[Trace]:
    """Run the body under ``trace``."""
    return _Held(_current, trace)


def asked_by(who: str) -> AbstractContextManager[str]:
    """Run the body for ``who``."""
    return _Held(_asker, who)


class _Held(AbstractContextManager[Value]):
    """The variable has the value until the body ends. (No generator: each request has two, and those cost three times as much.)"""

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
            pass  # cancelled: it ends in the context of whoever did that, which keeps its own value

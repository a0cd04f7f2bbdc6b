"""Who waited is woken after whoever woke it has gone on, never inside it.

A statement on a connection nearby may be answered before anybody waits for it. Then whoever has a connection from the one before can
be done with it at once, and hand it to the next, who is done at once: each inside the other, until Python's stack is full and
somebody is never answered.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred

Value = TypeVar("Value")


class Handing(Generic[Value]):
    """Of one thing that is handed on. ``back`` takes what nobody wants any more: who waited for it has been cancelled meanwhile."""

    def __init__(self, back: Callable[[Value], None]) -> None:
        self._back = back
        self._due = deque[tuple[Deferred[Value], Value]]()
        self._going = False

    def wake(self, waiter: Deferred[Value], value: Value) -> None:
        """Give ``value`` to ``waiter``: now, or where somebody is being woken further up the stack, after that one."""
        self._due.append((waiter, value))
        if self._going:
            return
        self._going = True
        try:
            while self._due:
                waiter, value = self._due.popleft()
                if waiter.called:
                    self._back(value)
                else:
                    waiter.callback(value)
        finally:
            self._going = False

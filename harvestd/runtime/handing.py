"""Handing a resource to waiters without recursion: a waiter resumes after the code that woke it, never inside it.

A statement on a fast local connection may complete before its caller awaits it. Then a waiter that gets a connection may finish
synchronously and hand it to the next, which finishes synchronously, too: each inside the other, until Python's stack overflows
and a waiter is never resumed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred

Value = TypeVar("Value")


class Handing(Generic[Value]):
    """Hands on one kind of resource. ``back`` takes back a value whose waiter was cancelled in the meantime."""

    def __init__(self, back: Callable[[Value], None]) -> None:
        self._back = back
        self._due = deque[tuple[Deferred[Value], Value]]()
        self._going = False

    def wake(self, waiter: Deferred[Value], value: Value) -> None:
        """Give ``value`` to ``waiter``: now, or if another waiter is being resumed further up the stack, after that one."""
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

"""Whether a history is linearizable: exactly, by the search of Wing and Gong with the memory of Lowe.

Each thing of its own (a product, a window) is a history of its own, since a whole is linearizable if and only if each of its objects is.
A state is a value that can be hashed; nothing is known here of what it means.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Generic, TypeVar

import attrs

#: The end of an operation whose answer was lost: it may have had its effect at any time since it was begun, or never.
NEVER = math.inf

State = TypeVar("State", bound=Hashable)
What = TypeVar("What")


@attrs.frozen
class Operation(Generic[What]):
    """What a client asked for and was told, between two moments of one clock."""

    begun: float
    ended: float
    what: What


@attrs.frozen
class Unexplained(Generic[What]):
    """``explained`` is the longest beginning of an order that explains what it has; none of ``left`` can come next."""

    explained: tuple[What, ...]
    left: tuple[What, ...]

    def __str__(self) -> str:
        first = "".join(f"\n  {one}" for one in self.explained)
        return f"after{first}\nnone of these can be:" + "".join(f"\n  {one}" for one in self.left)


#: The state after an operation; None where it cannot have been answered so in that state. One without an answer has its effect, or None if it can have none.
Step = Callable[[State, What], State | None]


def check(operations: Sequence[Operation[What]], initial: State, step: Step[State, What]) -> Unexplained[What] | None:
    """None if there is an order of the operations that keeps to what ended before what began, has every answer, and may have each of the lost ones or not."""
    search = _Search(sorted(operations, key=lambda one: one.begun), step)
    return search.run(initial)


class _Search(Generic[State, What]):
    """What is done is a set of operations, as the bits of a number; the same set with the same state is looked at once."""

    def __init__(self, operations: Sequence[Operation[What]], step: Step[State, What]) -> None:
        self.operations = operations
        self.step = step
        self.needed = sum(1 << n for n, one in enumerate(operations) if one.ended != NEVER)

    def run(self, initial: State) -> Unexplained[What] | None:
        stack: list[tuple[int, State]] = [(0, initial)]
        seen: set[tuple[int, State]] = {(0, initial)}
        before: dict[tuple[int, State], tuple[tuple[int, State], int]] = {}
        best = stack[0]
        while stack:
            at = stack.pop()
            if at[0] & self.needed == self.needed:
                return None
            best = max(best, at, key=lambda one: (one[0] & self.needed).bit_count())
            for n in reversed(self._next(at[0])):
                state = self.step(at[1], self.operations[n].what)
                after = (at[0] | 1 << n, state)
                if state is not None and after not in seen:
                    seen.add(after)  # type: ignore[arg-type]
                    before[after] = (at, n)  # type: ignore[index]
                    stack.append(after)  # type: ignore[arg-type]
        return self._unexplained(best, before)

    def _next(self, done: int) -> list[int]:
        """The operations that may come next: those that were begun before any that is left had ended, the lost ones last."""
        left = [n for n in range(len(self.operations)) if not done >> n & 1]
        end = min(self.operations[n].ended for n in left)
        found = [n for n in left if self.operations[n].begun <= end]
        return sorted(found, key=lambda n: self.operations[n].ended)

    def _unexplained(self, at: Any, before: dict[Any, Any]) -> Unexplained[What]:
        left = self._next(at[0])
        order: list[int] = []
        while at in before:
            at, n = before[at]
            order.append(n)
        what = [one.what for one in self.operations]
        return Unexplained(tuple(what[n] for n in reversed(order)), tuple(what[n] for n in left))

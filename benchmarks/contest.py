"""Contestants side by side, in rounds.

A machine that others use too is now faster, now slower; so the contestants take turns within each round, in alternating
order, and are compared round by round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from benchmarks import cpu
from benchmarks.ground import Ground

T = TypeVar("T")


def contest(ground: Ground, contestants: Mapping[str, Callable[[], T]], rounds: int = 0) -> dict[str, list[T]]:
    """What each contestant's ``measure()`` answered, round by round, in the order of ``contestants``; ``rounds`` where it is
    not as many as the ground says."""
    rounds = rounds or ground.rounds
    found: dict[str, list[T]] = {name: [] for name in contestants}
    for number in range(rounds):
        names = list(contestants) if number % 2 == 0 else list(contestants)[::-1]
        for name in names:
            found[name].append(contestants[name]())
        ground.say(f"round {number + 1} of {rounds}: " + ", ".join(f"{n} {_brief(found[n][-1])}" for n in found))
    return found


def of(found: Mapping[str, Sequence[T]], quantity: Callable[[T], float]) -> dict[str, list[float]]:
    """One quantity of what was measured, as the rounds of a figure."""
    return {name: [quantity(each) for each in rounds] for name, rounds in found.items()}


def spent(found: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """The CPU of what was measured, of whatever has it, as the fields of a figure that tell of it."""
    known = {name: [each.spent for each in rounds] for name, rounds in found.items()}
    micros = cpu.by_rounds(known)
    return {"cpu": micros, "clients": {name: [each.client for each in known[name]] for name in micros}}


def _brief(value: object) -> str:
    shown = getattr(value, "rate", value)
    return f"{shown:.4g}" if isinstance(shown, (int, float)) else str(shown)

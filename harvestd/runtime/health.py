"""Health of a process's dependencies: named probes, run on demand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

import attrs
from twisted.internet.defer import Deferred

State = Literal["ok", "degraded", "down"]

#: Seconds after which a backlog is late although a worker should be running: the oldest unsent event, due mail.
LATE = 15.0


@attrs.frozen
class Condition:
    """``degraded`` means that its work is done by a fallback, or late; ``detail`` is short and contains no secret."""

    state: State
    detail: str = ""


Probe = Callable[[], Awaitable[Condition]]


class Health:
    """The probes of one process. ``application.py`` adds those of its configured parts."""

    def __init__(self) -> None:
        self._probes: dict[str, Probe] = {}
        self._needed: set[str] = set()

    def add(self, name: str, probe: Probe, needed: bool = False) -> None:
        """Register ``probe`` under ``name``; an exception counts as down. ``needed``: without it no request can be served."""
        self._probes[name] = probe
        if needed:
            self._needed.add(name)

    async def of(self, name: str) -> Condition:
        """One condition, without a timeout; an unregistered name is ok."""
        probe = self._probes.get(name)
        return await _asked(probe) if probe is not None else Condition("ok")

    def overall(self, conditions: Mapping[str, Condition]) -> State:
        """The state of the whole process: down if a needed dependency is, degraded if any is not ok."""
        if any(conditions[name].state == "down" for name in self._needed & conditions.keys()):
            return "down"
        return "ok" if all(condition.state == "ok" for condition in conditions.values()) else "degraded"

    async def look(self, reactor: Any, bound: float) -> dict[str, Condition]:
        """Every condition; all probes run concurrently, and one that takes more than ``bound`` seconds counts as down.

        A late probe is left to finish by itself: it may be a query, and queries are never cancelled.
        """
        waiting = {name: _bounded(probe, reactor, bound) for name, probe in self._probes.items()}
        return {name: await answer for name, answer in waiting.items()}


def _bounded(probe: Probe, reactor: Any, bound: float) -> Deferred[Condition]:
    answer: Deferred[Condition] = Deferred()

    def settle(condition: Condition) -> None:
        if not answer.called:
            timer.cancel()
            answer.callback(condition)

    def late() -> None:
        answer.callback(Condition("down", f"no answer within {bound:g} s"))

    timer = reactor.callLater(bound, late)
    Deferred.fromCoroutine(_asked(probe)).addCallback(settle)
    return answer


async def _asked(probe: Probe) -> Condition:
    try:
        return await probe()
    except Exception as error:
        return Condition("down", str(error)[:200] or type(error).__name__)

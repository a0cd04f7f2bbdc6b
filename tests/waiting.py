"""Bounded waiting for something to become true: what tests do instead of sleeping."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from harvestd.runtime.lifecycle import sleep
from servers.pace import Pace


async def eventually(what: str, condition: Callable[[], Any], seconds: float = 10.0, every: float = 0.01) -> Any:
    """Poll ``condition`` (plain or async) on the reactor and answer its first true value; AssertionError naming ``what``
    after ``seconds``, as the machine gave them (``servers/pace.py``)."""
    from twisted.internet import reactor

    end, pace = reactor.seconds() + seconds, None
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        pace = pace or Pace()
        assert reactor.seconds() < end or not pace.passed(seconds), f"{what}: not within {seconds:g} s"
        await sleep(reactor, every)

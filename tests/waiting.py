"""Bounded waiting for something to become true: what tests do instead of sleeping."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from harvestd.lifecycle import sleep


async def eventually(what: str, condition: Callable[[], Any], seconds: float = 10.0, every: float = 0.01) -> Any:
    """Poll ``condition`` (plain or async) on the reactor and answer its first true value; AssertionError naming ``what``
    after ``seconds``."""
    from twisted.internet import reactor

    end = reactor.seconds() + seconds
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        assert reactor.seconds() < end, f"{what}: not within {seconds:g} s"
        await sleep(reactor, every)

"""The listeners of each channel in this process. A failing one is logged, and does not affect the others."""

from __future__ import annotations

from collections.abc import Callable

import attrs
from twisted.logger import Logger


@attrs.frozen(eq=False)
class Listener:
    """``receive`` is called with each payload, ``gap`` whenever some may have been missed."""

    receive: Callable[[str], None]
    gap: Callable[[], None]


class Listeners:
    """Listeners by channel, in the order of registration."""

    log = Logger()

    def __init__(self) -> None:
        self._listeners: dict[str, list[Listener]] = {}

    def __contains__(self, channel: str) -> bool:
        return channel in self._listeners

    def channels(self) -> list[str]:
        """The channels with listeners."""
        return list(self._listeners)

    def add(self, channel: str, listener: Listener) -> None:
        """Register a listener."""
        self._listeners.setdefault(channel, []).append(listener)

    def remove(self, channel: str, listener: Listener) -> bool:
        """Unregister; may be repeated. True when it was the last on its channel."""
        here = self._listeners.get(channel, [])
        if listener not in here:
            return False
        here.remove(listener)
        if not here:
            del self._listeners[channel]
        return not here

    def tell(self, channel: str, payload: str) -> None:
        """Call every ``receive`` of the channel."""
        for listener in list(self._listeners.get(channel, ())):
            self.call(listener.receive, payload)

    def tell_gap(self, channel: str) -> None:
        """Call every ``gap`` of the channel."""
        for listener in list(self._listeners.get(channel, ())):
            self.call(listener.gap)

    def call(self, what: Callable[..., None], *arguments: str) -> None:
        """Call it; what it raises is logged."""
        try:
            what(*arguments)
        except Exception:
            self.log.failure("a listener failed")

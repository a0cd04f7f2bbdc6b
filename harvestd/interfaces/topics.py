"""Publish/subscribe."""

from __future__ import annotations

from collections.abc import Callable

from zope.interface import Interface


class ITopics(Interface):
    """Publish/subscribe between processes, not durable: a disconnected subscriber misses messages, and is told so."""

    async def publish(channel: str, payload: str) -> None:
        """Send to the current subscribers. ``payload`` is UTF-8 of at most 7,000 bytes. Never raises."""

    def subscribe(channel: str, receive: Callable[[str], None], gap: Callable[[], None]) -> Callable[[], None]:
        """Call ``receive`` with each payload, ``gap`` whenever some may have been missed. Returns the unsubscribe function."""

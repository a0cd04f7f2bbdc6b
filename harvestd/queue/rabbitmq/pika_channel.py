"""pika's channel and its decoder of header values, mended: what pika makes of odd messages and of requests that cannot be sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pika.data
from pika.adapters.twisted_connection import TwistedChannel
from twisted.internet.defer import Deferred


def _tolerant(encoded: bytes, offset: int, decode: Any = pika.data.decode_value) -> tuple[Any, int]:
    """pika's header value decoder, which fails on a timestamp after the year 9999: anybody may publish one, and it
    would end each connection that the message is delivered on. (RabbitMQ rejects the other values that pika cannot
    decode.)"""
    try:
        return decode(encoded, offset)  # type: ignore[no-any-return]
    except (ValueError, OverflowError, OSError):
        if encoded[offset : offset + 1] != b"T":
            raise
        return None, offset + 9


pika.data.decode_value = _tolerant


class Channel(TwistedChannel):  # type: ignore[misc]
    """pika's channel, which also forgets a request that it could not even send. (pika keeps it among the pending
    requests and fails it with the channel, when nobody is waiting: an unhandled error in the log.)"""

    _calls: set[Deferred[Any]]

    def _wrap_channel_method(self, name: str) -> Callable[..., Deferred[Any]]:
        return self._forgetting(super()._wrap_channel_method(name))

    def basic_consume(self, *arguments: Any, **named: Any) -> Deferred[Any]:
        return self._forgetting(super().basic_consume)(*arguments, **named)

    def _forgetting(self, ask: Callable[..., Deferred[Any]]) -> Callable[..., Deferred[Any]]:
        def asked(*arguments: Any, **named: Any) -> Deferred[Any]:
            before = set(self._calls)
            answer = ask(*arguments, **named)
            if answer not in self._calls:
                self._calls = self._calls & before
            return answer

        return asked

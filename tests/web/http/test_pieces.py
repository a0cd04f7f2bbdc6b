"""A body that is written in pieces is held for as long as somebody may read it, and no longer."""

from __future__ import annotations

import sys
from typing import Any

import attrs
import pytest

from harvestd.web.http.pieces import PIECE, Pieces


@attrs.define
class Channel:
    """Keeps its producer as a transport does, and is full after ``room`` writes."""

    room: int
    written: list[bytes] = attrs.field(factory=list)
    producer: Any = None

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self.producer = producer

    def unregisterProducer(self) -> None:
        pass

    def write(self, data: bytes) -> None:
        self.written.append(data)
        if len(self.written) >= self.room:
            self.producer.pauseProducing()


@pytest.mark.parametrize("whole", [False, True])
def test_a_body_is_let_go_when_it_was_read_and_when_its_reader_has_gone(whole: bool) -> None:
    """At once, though the transport still has the producer: nobody collects cycles while 10 MB wait in each."""
    body, done = bytes(3 * PIECE), []
    before = sys.getrefcount(body)
    channel = Channel(room=9 if whole else 1)
    producer = Pieces(channel, b"head", body, lambda: done.append(True))
    producer.start()
    if whole:
        assert b"".join(channel.written) == b"head" + body and done == [True]
    else:
        assert sys.getrefcount(body) > before
        producer.stopProducing()
        assert done == []
    channel.written.clear()
    assert sys.getrefcount(body) == before
    assert channel.producer is producer

"""A recorded event as it is published: its envelope, and the sealed message."""

from __future__ import annotations

from harvestd.interfaces import Message
from harvestd.queue.envelope import Envelope, TraceFields, encode
from harvestd.queue.seals import EventSeals
from harvestd.store.outbox import Recorded


def envelope_of(row: Recorded) -> Envelope:
    """The published form of a recorded event."""
    return Envelope(
        row.id, row.type, row.created_at, row.version, row.aggregate, row.data, TraceFields(**row.trace)
    )  # fmt: skip


def message_of(row: Recorded, seals: EventSeals) -> Message:
    """The recorded event as a sealed message."""
    return Message(row.id, row.type, seals.sealed(encode(envelope_of(row))))

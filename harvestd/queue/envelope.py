"""The published form of an event: a JSON envelope."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from harvestd.runtime.tracing import Trace


class TraceFields(msgspec.Struct, frozen=True):
    """The trace of the request that caused the event."""

    request_id: str = ""
    traceparent: str = ""

    def as_trace(self) -> Trace:
        """The trace as the value that the context carries."""
        return Trace(self.request_id, self.traceparent)


class Envelope(msgspec.Struct, frozen=True):
    """``type``, ``timestamp`` and ``data`` are published and fixed; further fields may be added, never changed."""

    id: str
    type: str
    timestamp: datetime
    version: int
    aggregate: str
    data: dict[str, Any]
    trace: TraceFields = TraceFields()


class _Named(msgspec.Struct):
    id: str


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Envelope)
_skimmer = msgspec.json.Decoder(_Named)


def encode(envelope: Envelope) -> bytes:
    """To UTF-8 JSON."""
    return _encoder.encode(envelope)


def decode(body: bytes) -> Envelope:
    """From UTF-8 JSON; raises :class:`msgspec.DecodeError` (its child ``ValidationError``) for anything else."""
    return _decoder.decode(body)


def named(body: bytes) -> str:
    """The ``id`` in an envelope of any origin; raises :class:`msgspec.DecodeError`, or ``RecursionError``."""
    return _skimmer.decode(body).id

"""Payloads of the events of market days."""

from __future__ import annotations

from uuid import UUID

from harvestd.kernel.events import Data, Instant


class MarketDayStepped(Data, frozen=True, kw_only=True):
    """A market day has opened, closes soon, is closed, has opened again since a place returned in one that was full, or is cancelled. ``farms`` take part in it, unless ``all_farms`` do; ``at`` is when the step was due,
    ``reason`` why a day was closed (``cut-off``, ``full`` or ``staff``) or what was said of a cancellation."""

    market_day_id: UUID
    name: str
    farms: tuple[UUID, ...]
    all_farms: bool
    at: Instant
    reason: str = ""

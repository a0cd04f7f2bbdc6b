"""Payloads of the events of market days."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

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


class WindowAt(msgspec.Struct, frozen=True, kw_only=True):
    """When a window is, and at which pick-up point, as it is stored; null for a delivery."""

    from_: Instant = msgspec.field(name="from")
    to: Instant
    pickup_point: dict[str, Any] | None


class WindowMoved(msgspec.Struct, frozen=True, kw_only=True):
    """A window before and after it was moved."""

    window_id: UUID
    before: WindowAt
    after: WindowAt


class MarketDayChanged(Data, frozen=True, kw_only=True):
    """A market day with orders is not what they show of it any more: it has another name, or its ``windows`` were moved. ``rest`` is whether it goes on with what an
    earlier event told of."""

    market_day_id: UUID
    name: str
    windows: tuple[WindowMoved, ...] = ()
    rest: bool = False

"""Payloads of the order events."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

import msgspec

from harvestd.kernel.events import Count, Data, Instant


class PlacedLine(msgspec.Struct, frozen=True):
    """A line of a new order; ``quantity``, ``price_per``, ``takes`` and ``estimated_weight`` are decimal strings. A line of a pack size, ``variant_id``,
    counts packs; with an estimated weight of a piece, ``price_per`` is in its unit."""

    product_id: UUID
    quantity: str
    unit_price: Count
    price_per: str = "1.000"
    variant_id: UUID | None = None
    takes: str = "1.000"
    estimated_weight: str | None = None


class PlacedPart(msgspec.Struct, frozen=True):
    """A farm's part of a new order."""

    farm_id: UUID
    subtotal: Count
    lines: tuple[PlacedLine, ...]


class Totals(msgspec.Struct, frozen=True):
    """An order's totals in minor units, limited to those that some consumer reads."""

    goods: Count
    total: Count


class OrderCreated(Data, frozen=True, kw_only=True):
    """An order is placed; by a guest, if it has no buyer, and by another than the buyer, if it was ``placed_by`` them."""

    order_id: UUID
    number: str
    buyer_id: UUID | None
    placed_at: Instant
    parts: tuple[PlacedPart, ...]
    totals: Totals
    placed_by: UUID | None = None


class OrderEnded(Data, frozen=True, kw_only=True):
    """An order has ended or, in the subclasses, one of its parts changed; because its ``market_day`` (the name) was cancelled, if it says so."""

    order_id: UUID
    number: str
    buyer_id: UUID | None
    actor: Literal["buyer", "farm", "admin", "clock"]
    reason: str
    market_day_id: UUID | None = None
    market_day: str = ""


class OrderUpdated(OrderEnded, frozen=True, kw_only=True):
    """A farm's part of an order changed: its status, or with the same ``from`` and ``to`` its lines, of which another event tells. ``from`` is empty for a part that
    is new."""

    farm_id: UUID
    from_: str = msgspec.field(name="from")
    to: str
    order_status: str = ""
    placed_at: Instant | None = None


class MovedPart(msgspec.Struct, frozen=True):
    """How a farm's part reaches its buyer, before and after: as it is stored, without the address."""

    farm_id: UUID
    before: dict[str, Any]
    after: dict[str, Any]


class OrderMoved(OrderEnded, frozen=True, kw_only=True):
    """The windows of an order's parts are at another time or place than when it was placed."""

    parts: tuple[MovedPart, ...]


class LineState(msgspec.Struct, frozen=True):
    """What of a line is owed for; ``quantity`` is a decimal string."""

    quantity: str
    total: Count


class ChangedLine(msgspec.Struct, frozen=True):
    """A line before and after a change; null where it does not count."""

    line_id: UUID
    farm_id: UUID
    product_id: UUID
    before: LineState | None = None
    after: LineState | None = None


class AskedLine(msgspec.Struct, frozen=True):
    """A line that the buyer is asked about until ``answer_by``: what it comes to ``before`` they answer (null: it does not count), and in ``total`` with a yes. ``quantity`` is a decimal
    string, and so is the ``weight`` of pieces that weigh more than was agreed on."""

    line_id: UUID
    farm_id: UUID
    product_id: UUID
    about: Literal["addition", "substitute", "weight"]
    quantity: str
    total: Count
    before: Count | None = None
    weight: str | None = None
    weight_unit: str | None = None
    answer_by: Instant | None = None


class ComesTo(msgspec.Struct, frozen=True):
    """What a farm's part of an order comes to, fees and taxes included; ``estimated`` until its pieces are weighed."""

    farm_id: UUID
    total: Count
    estimated: bool


class LinesChanged(Data, frozen=True, kw_only=True):
    """Some lines of an order are others: it comes to ``total`` then, and its ``parts`` that have changed to theirs. With ``answer_by`` its buyer is ``asked``; with all of that the order comes to
    ``asked_total``. What they are asked about no more is ``settled``."""

    total: Count | None = None
    estimated: bool = False
    parts: tuple[ComesTo, ...] = ()
    answer_by: Instant | None = None
    asked: tuple[AskedLine, ...] = ()
    asked_total: Count | None = None
    settled: tuple[AskedLine, ...] = ()


class OrderAmended(LinesChanged, frozen=True, kw_only=True):
    """Lines of an order were added, changed or taken out, by ``by``, for the ``farms`` that they act for. ``outcome`` is how what was ``settled`` has ended, if that is it: by an answer, or by none where ``by``
    is not the buyer; or that it was taken back. ``for_buyer`` is whether it was done by the
    market's staff in the buyer's stead."""

    order_id: UUID
    number: str
    buyer_id: UUID | None
    placed_at: Instant
    by: Literal["buyer", "farm", "admin", "clock"]
    reason: str
    lines: tuple[ChangedLine, ...]
    farms: tuple[UUID, ...] = ()
    line_id: UUID | None = None
    farm_id: UUID | None = None
    outcome: Literal["accepted", "declined", "withdrawn"] | None = None
    for_buyer: bool = False


class Substitute(msgspec.Struct, frozen=True):
    """What comes in the place of what is short."""

    line_id: UUID
    farm_id: UUID
    product_id: UUID
    quantity: str
    total: Count


class LineChanged(LinesChanged, frozen=True, kw_only=True):
    """A line is short, or was weighed: ``lines`` has it, and what else changed with it. ``outcome`` is that nothing is asked any more by it. ``last`` is whether it is the last event of one change of the order; if there
    are several, that one has all lines in ``change``."""

    order_id: UUID
    number: str
    buyer_id: UUID | None
    placed_at: Instant
    by: Literal["buyer", "farm", "admin", "clock"]
    reason: str
    line_id: UUID
    farm_id: UUID
    product_id: UUID
    before: LineState | None
    after: LineState | None
    lines: tuple[ChangedLine, ...]
    farms: tuple[UUID, ...] = ()
    substitute: Substitute | None = None
    outcome: Literal["withdrawn"] | None = None
    last: bool = True
    change: tuple[ChangedLine, ...] = ()

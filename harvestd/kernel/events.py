"""What happened, in the past tense: the events that a decision returns and the outbox carries, and what each type's data is.

``DATA`` is read on both ends: what does not fit is refused when it is recorded, and at the door of a consumer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import attrs
import msgspec

#: As PostgreSQL's bigint holds it.
Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class Data(msgspec.Struct, frozen=True, kw_only=True):
    """What every event's data may have. Fields of the future are allowed: a process of the next version may have written it."""

    families: tuple[str, ...] = ()


class PlacedLine(msgspec.Struct, frozen=True):
    """A line of a new order; the quantity, and what the price is for, are decimal strings."""

    product_id: UUID
    quantity: str
    unit_price: Count
    price_per: str = "1.000"


class PlacedPart(msgspec.Struct, frozen=True):
    """A farm's part of a new order."""

    farm_id: UUID
    subtotal: Count
    lines: tuple[PlacedLine, ...]


class Totals(msgspec.Struct, frozen=True):
    """An order's totals in minor units, as far as somebody reads them from an event."""

    goods: Count
    total: Count


class OrderCreated(Data, frozen=True, kw_only=True):
    """An order is placed."""

    order_id: UUID
    number: str
    buyer_id: UUID
    placed_at: Instant
    parts: tuple[PlacedPart, ...]
    totals: Totals


class OrderEnded(Data, frozen=True, kw_only=True):
    """An order is over, or (its child) one of its parts took a step."""

    order_id: UUID
    number: str
    buyer_id: UUID
    actor: Literal["buyer", "farm", "admin", "clock"]
    reason: str


class OrderUpdated(OrderEnded, frozen=True, kw_only=True):
    """A farm's part of an order took a step."""

    farm_id: UUID
    from_: str = msgspec.field(name="from")
    to: str
    order_status: str = ""


class ProductChanged(Data, frozen=True, kw_only=True):
    """A catalogue change, with the names of what changed."""

    product_id: UUID
    farm_id: UUID
    changed: tuple[str, ...]


class FarmUpdated(Data, frozen=True, kw_only=True):
    """A farm changed, with the names of what did."""

    farm_id: UUID
    changed: tuple[str, ...]


class CategoryUpdated(Data, frozen=True, kw_only=True):
    """A category changed, with the names of what did."""

    category_id: UUID
    changed: tuple[str, ...]


class AccountRegistered(Data, frozen=True, kw_only=True):
    """A new account."""

    user_id: UUID
    role: str
    email: str
    name: str


class Stale(Data, frozen=True, kw_only=True):
    """Cached answers became stale."""

    families: tuple[str, ...]
    version: Whole


#: Every event type there is (also its routing key) and its data. An event of another type is refused when it is recorded; one
#: that nobody records yet has :class:`Data` until somebody does.
DATA: Mapping[str, type[Data]] = {
    "order.created": OrderCreated, "order.updated": OrderUpdated,
    "order.completed": OrderEnded, "order.cancelled": OrderEnded, "order.expired": OrderEnded,
    "product.created": ProductChanged, "product.updated": ProductChanged, "product.deleted": ProductChanged,
    "farm.updated": FarmUpdated, "category.updated": CategoryUpdated,
    "account.registered": AccountRegistered, "cache.invalidate": Stale,
    "payment.authorised": Data, "payment.captured": Data, "payment.failed": Data, "payment.refunded": Data,
    "refund.requested": Data, "stock.low": Data, "image.uploaded": Data, "rating.created": Data, "comment.created": Data,
    "upvote.changed": Data, "user.followed": Data, "farm.followed": Data, "product.viewed": Data, "search.performed": Data,
    "notification.send": Data, "account.verified": Data, "account.password_reset": Data, "report.requested": Data,
}  # fmt: skip


@attrs.frozen
class Event:
    """One thing that happened to one aggregate.

    ``aggregate`` is ``"<noun>:<id>"``; ``version`` the aggregate's version after the change, by which a consumer knows
    an older event from a newer one; ``data`` JSON values alone (ids as strings, quantities as decimal strings, money
    as integers in minor units), as :data:`DATA` has them for its type.
    """

    type: str
    aggregate: str
    version: int
    data: dict[str, Any]


def fault(type: str, data: object) -> str:
    """What is wrong with the data of an event of this type, in words; empty when nothing is."""
    struct = DATA.get(type)
    if struct is None:
        return f"event type {type!r} is not in kernel.events.DATA"
    try:
        msgspec.convert(data, struct)
    except msgspec.ValidationError as error:
        return f"the data of {type}: {error}"
    return ""

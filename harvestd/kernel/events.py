"""Domain events, in the past tense: returned by a decision and carried by the outbox.

The schema of each type's data is declared by the subject that records it (``events.py``, and its screen). It is checked on both
ends: non-conforming data is refused when recorded, and when a consumer receives it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import attrs
import msgspec

#: The range of PostgreSQL's bigint.
Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class Data(msgspec.Struct, frozen=True, kw_only=True):
    """Data common to all events. Unknown fields are allowed: a process of a later version may have written them."""

    families: tuple[str, ...] = ()


class Stale(Data, frozen=True, kw_only=True):
    """Cached answers became stale."""

    families: tuple[str, ...]
    version: Whole


#: Types in the contract that no subject records yet; some queues bind some of them already. A subject that records one says what its data is.
ANNOUNCED: tuple[str, ...] = (
    "payment.authorised", "payment.captured", "payment.failed", "payment.refunded", "refund.requested", "stock.low",
    "image.uploaded", "rating.created", "comment.created", "upvote.changed", "user.followed", "farm.followed", "product.viewed",
    "search.performed", "notification.send", "report.requested",
)  # fmt: skip


@attrs.frozen
class Event:
    """One event of one aggregate.

    ``aggregate`` is ``"<noun>:<id>"``; ``version`` is the aggregate's version after the change, by which a consumer orders
    events; ``data`` has JSON values only (ids as strings, quantities as decimal strings, money as integers in minor units), by
    the schema of its type.
    """

    type: str
    aggregate: str
    version: int
    data: dict[str, Any]


def unfit(type: str, data: object, struct: type[Data]) -> str:
    """The error in the data of an event of this type, in words; empty if there is none."""
    try:
        msgspec.convert(data, struct)
    except msgspec.ValidationError as error:
        return f"the data of {type}: {error}"
    return ""

"""What happened, in the past tense: the events that a decision returns and the outbox carries.

What the data of each type is, the subject says that records it (``events.py``, and its screen). That is read on both ends: what does
not fit is refused when it is recorded, and where a consumer admits it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import attrs
import msgspec

#: As PostgreSQL's bigint holds it.
Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class Data(msgspec.Struct, frozen=True, kw_only=True):
    """What every event's data may have. Fields of the future are allowed: a process of the next version may have written it."""

    families: tuple[str, ...] = ()


class Stale(Data, frozen=True, kw_only=True):
    """Cached answers became stale."""

    families: tuple[str, ...]
    version: Whole


#: Types that no subject records yet, and that queues are bound to already: their names are the contract's.
ANNOUNCED: tuple[str, ...] = (
    "payment.authorised", "payment.captured", "payment.failed", "payment.refunded", "refund.requested", "stock.low",
    "image.uploaded", "rating.created", "comment.created", "upvote.changed", "user.followed", "farm.followed", "product.viewed",
    "search.performed", "notification.send", "account.verified", "account.password_reset", "report.requested",
)  # fmt: skip


@attrs.frozen
class Event:
    """One thing that happened to one aggregate.

    ``aggregate`` is ``"<noun>:<id>"``; ``version`` the aggregate's version after the change, by which a consumer knows
    an older event from a newer one; ``data`` JSON values alone (ids as strings, quantities as decimal strings, money
    as integers in minor units), as its type has them.
    """

    type: str
    aggregate: str
    version: int
    data: dict[str, Any]


def unfit(type: str, data: object, struct: type[Data]) -> str:
    """What is wrong with the data of an event of this type, in words; empty when nothing is."""
    try:
        msgspec.convert(data, struct)
    except msgspec.ValidationError as error:
        return f"the data of {type}: {error}"
    return ""

"""What happened, in the past tense: the events that a decision returns and the outbox carries."""

from __future__ import annotations

from typing import Any

import attrs

#: Every event type there is (also its routing key). An event of another type is refused when it is recorded.
TYPES = frozenset(
    {
        "order.created", "order.updated", "order.completed", "order.cancelled", "order.expired",
        "payment.authorised", "payment.captured", "payment.failed", "payment.refunded", "refund.requested",
        "product.created", "product.updated", "product.deleted", "stock.low", "image.uploaded",
        "rating.created", "comment.created", "upvote.changed", "user.followed", "farm.followed",
        "product.viewed", "search.performed", "notification.send", "cache.invalidate",
        "account.registered", "account.verified", "account.password_reset", "report.requested",
    }
)  # fmt: skip


@attrs.frozen
class Event:
    """One thing that happened to one aggregate.

    ``aggregate`` is ``"<noun>:<id>"``; ``version`` the aggregate's version after the change, by which a consumer knows
    an older event from a newer one; ``data`` JSON values alone (ids as strings, quantities as decimal strings, money
    as integers in minor units).
    """

    type: str
    aggregate: str
    version: int
    data: dict[str, Any]

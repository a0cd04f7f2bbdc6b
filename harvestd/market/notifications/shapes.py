"""Notices."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from harvestd.market.notifications.messages import KINDS
from harvestd.web.shapes import CountedQuery, In, NotificationId, Out
from harvestd.web.vocabulary import closed

NoticeKindOut = Annotated[str, closed("NoticeKind", KINDS, "What a notice is about.")]


class NotificationsQuery(CountedQuery, kw_only=True, frozen=True):
    """``unread`` leaves out notices that were read."""

    unread: bool = False


class NotificationData(Out, kw_only=True, frozen=True):
    """The subject of a notice: an order, or a farm's part of one; a market day; or somebody of a farm."""

    order_id: str | UnsetType = UNSET
    number: str | UnsetType = UNSET
    farm_id: str | UnsetType = UNSET
    user_id: str | UnsetType = UNSET
    market_day_id: str | UnsetType = UNSET


class Notification(Out, kw_only=True, frozen=True):
    """A notice in the feed."""

    id: str
    kind: NoticeKindOut
    title: str
    body: str
    data: NotificationData
    created_at: datetime
    read_at: datetime | None


class ReadNotifications(In, kw_only=True, frozen=True):
    """The notices to mark as read: all of them if ``ids`` is omitted or null."""

    ids: Annotated[list[NotificationId], Meta(max_length=1000)] | None = None


class MarkedRead(Out, kw_only=True, frozen=True):
    """How many notices were newly marked as read."""

    read: int


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "body": "The text of the notice.",
    "NotificationPage.unread": "How many of all the caller's notices are unread; it stops at 10,000.",
    "data": "Ids of what the notice is about.",
    "NotificationData.farm_id": "Id of the farm that it is about, or whose part of the order.",
    "NotificationData.user_id": "Id of the member of the farm whom it is about.",
    "NotificationData.market_day_id": "Id of the market day.",
    "ids": "Ids of the notices to mark; null or omitted: all of them.",
    "order_id": "Id of the order.",
    "read": "How many were newly marked as read.",
    "read_at": "When it was read; null while unread.",
    "Notification.title": "The notice in one line.",
    "unread": "Only unread notices.",
}  # fmt: skip

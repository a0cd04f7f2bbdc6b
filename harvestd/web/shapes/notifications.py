"""Notices."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta

from harvestd.web.shapes.values import (
    Id,
    In,
    ListQuery,
    Out,
)


class NotificationsQuery(ListQuery, kw_only=True, frozen=True):
    """``unread`` leaves out what was read."""

    unread: bool = False


class Notification(Out, kw_only=True, frozen=True):
    """A notice in the feed."""

    id: str
    kind: str
    title: str
    body: str
    data: dict[str, Any]
    created_at: datetime
    read_at: datetime | None


class ReadNotifications(In, kw_only=True, frozen=True):
    """Which notices were read; without ``ids`` all of them."""

    ids: Annotated[list[Id], Meta(max_length=1000)] | None = None


class MarkedRead(Out, kw_only=True, frozen=True):
    """How many were unread until now."""

    read: int

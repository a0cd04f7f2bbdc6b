"""Notices: a person's feed."""

from __future__ import annotations

from uuid import UUID

import msgspec

from harvestd.market.notifications import rows as store
from harvestd.market.notifications.shapes import (
    MarkedRead,
    Notification,
    NotificationData,
    NotificationsQuery,
    ReadNotifications,
)
from harvestd.web.context import RequestContext, UnreadPage
from harvestd.web.paging import Keyset


async def listed(request: RequestContext, query: NotificationsQuery) -> UnreadPage[Notification]:
    """The caller's notices, newest first, and how many of all are unread."""
    order = Keyset(query, "notifications", (UUID,), lambda notice: (notice.id,))
    (after,) = order.after or (None,)
    page, following = order.page(await store.feed(request.reader, request.user.user_id, after, query.unread, order.ask))
    unread = await store.unread(request.reader, request.user.user_id)
    total = None
    if query.count:
        total = unread if query.unread else await store.count(request.reader, request.user.user_id)
    return UnreadPage([_shown(notice) for notice in page], following, total, unread)


def _shown(notice: store.Notification) -> Notification:
    return Notification(
        id=notice.id, kind=notice.kind, title=notice.title, body=notice.body,
        data=msgspec.convert(notice.data, NotificationData), created_at=notice.created_at, read_at=notice.read_at,
    )  # fmt: skip


async def mark_read(request: RequestContext, body: ReadNotifications) -> MarkedRead:
    """Mark notices read."""
    return MarkedRead(read=await store.mark_read(request.tx, request.user.user_id, body.ids, request.now))

"""Notices: a person's feed."""

from __future__ import annotations

from uuid import UUID

from harvestd.store import notifications as store
from harvestd.web import cursors
from harvestd.web.call import Call, Page
from harvestd.web.shapes.notifications import MarkedRead, Notification, NotificationsQuery, ReadNotifications


async def listed(call: Call, query: NotificationsQuery) -> Page[Notification]:
    """The caller's notices from the newest on."""
    after = cursors.decode(query.after, "notifications", UUID)[0] if query.after else None
    rows = await store.feed(call.reader, call.user.user_id, after, query.unread, query.limit + 1)
    page = rows[: query.limit]
    following = cursors.encode("notifications", page[-1].id) if len(rows) > query.limit else None
    items = [
        Notification(
            id=n.id, kind=n.kind, title=n.title, body=n.body, data=n.data, created_at=n.created_at, read_at=n.read_at
        )
        for n in page
    ]
    return Page(items=items, next=following)


async def mark_read(call: Call, body: ReadNotifications) -> MarkedRead:
    """Mark notices read."""
    return MarkedRead(read=await store.mark_read(call.tx, call.user.user_id, body.ids, call.now))

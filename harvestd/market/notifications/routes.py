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
from harvestd.market.notifications.wording import again
from harvestd.web.context import RequestContext, Result, UnreadPage
from harvestd.web.paging import Keyset


async def listed(request: RequestContext, query: NotificationsQuery) -> Result:
    """The caller's notices, newest first, and how many of all are unread; in the language that the request asks for, or else in those in which they
    were told."""
    order = Keyset(query, "notifications", (UUID,), lambda notice: (notice.id,))
    (after,) = order.after or (None,)
    page, following = order.page(await store.feed(request.reader, request.user.user_id, after, query.unread, order.ask))
    unread = await store.unread(request.reader, request.user.user_id)
    total = None
    if query.count:
        total = unread if query.unread else await store.count(request.reader, request.user.user_id)
    told = [_told(notice, request.language_asked) for notice in page]
    shown = [_shown(notice, title, body) for notice, (_, title, body) in zip(page, told, strict=True)]
    spoken = ", ".join(dict.fromkeys(language for language, _, _ in told)) or request.language
    headers = (("Content-Language", spoken), ("Vary", "Accept-Language"))
    return Result(UnreadPage(shown, following, total, unread), headers=headers, spoken=False)


def _told(notice: store.Notification, language: str | None) -> tuple[str, str, str]:
    """Language, title and text of a notice. One that cannot be told in ``language`` any more stays as it was."""
    of = notice.facts.get("of")
    if of and language is not None and language != notice.language:
        found = again(of, notice.facts["values"], language)
        if found is not None:
            return language, *found
    return notice.language, notice.title, notice.body


def _shown(notice: store.Notification, title: str, body: str) -> Notification:
    return Notification(
        id=notice.id, kind=notice.kind, title=title, body=body,
        data=msgspec.convert(notice.data, NotificationData), created_at=notice.created_at, read_at=notice.read_at,
    )  # fmt: skip


async def mark_read(request: RequestContext, body: ReadNotifications) -> MarkedRead:
    """Mark notices read."""
    return MarkedRead(read=await store.mark_read(request.tx, request.user.user_id, body.ids, request.now))

"""Notifications: notices and mails, each once for each person that an event concerns."""

from __future__ import annotations

from harvestd.kernel.permissions import Permission
from harvestd.kernel.topology import Queue
from harvestd.market.accounts.closing_actions import Closed
from harvestd.market.accounts.export_actions import Exported
from harvestd.market.notifications import (
    account_handlers,
    closing,
    day_handlers,
    farm_handlers,
    handlers,
    mail_sender,
    member_handlers,
    routes,
    shapes,
)
from harvestd.market.orders.retention import Erased
from harvestd.market.subject import Subject
from harvestd.queue.work import Periodic, QueueHandlers
from harvestd.web.context import UnreadPage
from harvestd.web.routes import Mode, Route, Section

_NOTIFICATIONS = Section("notifications", "What the market tells a user.", shapes.WORDS)

SUBJECT = Subject(
    name="notifications",
    listeners={Closed: closing.forget, Erased: closing.forget_orders, Exported: closing.export},
    routes=(
        Route(method="GET", path="/api/notifications", operation="listNotifications", spoken=True, handler=routes.listed, permission=Permission.OWN_NOTICES, mode=Mode.FRESH, section=_NOTIFICATIONS,
              summary="The caller's notices", query=shapes.NotificationsQuery, answer=UnreadPage[shapes.Notification], limit="rate_read"),
        Route(method="POST", path="/api/notifications/read", operation="markNotificationsRead", handler=routes.mark_read, permission=Permission.OWN_NOTICES, mode=Mode.WRITE,
              section=_NOTIFICATIONS, summary="Mark notices as read", body=shapes.ReadNotifications, answer=shapes.MarkedRead),
    ),
    handlers={
        Queue(
            "harvest.notifications",
            ("order.*", "payment.*", "rating.created", "comment.created", "notification.send", "account.*", "farm.member_invited", "farm.verified", "farm.suspended", "farm.imprint_changed",
             "farm.renamed", "farm.member_joined", "farm.member_left", "farm.member_removed", "farm.member_changed", "farm.member_closed", "market_day.closing_soon", "market_day.closed", "market_day.cancelled", "market_day.changed"),
            200,
        ): QueueHandlers(
            each={
                "account.registered": account_handlers.welcome,
                "account.mail_requested": account_handlers.account_mail,
                "account.password_reset": account_handlers.password_reset,
                "farm.member_invited": farm_handlers.invited,
                "farm.verified": farm_handlers.judged,
                "farm.suspended": farm_handlers.judged,
                "farm.imprint_changed": farm_handlers.imprint_changed,
                "farm.member_joined": member_handlers.changed,
                "farm.member_left": member_handlers.changed,
                "farm.member_removed": member_handlers.changed,
                "farm.member_changed": member_handlers.changed,
                "farm.member_closed": member_handlers.closed,
                "farm.renamed": farm_handlers.renamed,
                "market_day.closing_soon": day_handlers.closing_soon,
                "market_day.closed": day_handlers.closed,
                "market_day.cancelled": day_handlers.cancelled,
                "market_day.changed": day_handlers.moved,
                "account.address_changed": account_handlers.address_changed,
                "account.noted": account_handlers.noted,
                "account.exported": account_handlers.exported,
                "account.deleted": account_handlers.goodbye,
            },
            bulk=handlers.order,
        )
    },
    periodic=(Periodic(mail_sender.TASK, 1.0, mail_sender.deliver),),
)  # fmt: skip

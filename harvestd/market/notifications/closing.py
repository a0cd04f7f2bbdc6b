"""The notices and mails of a person whose account is closed, or who asks what is held on them."""

from __future__ import annotations

from harvestd.market.accounts.closing_actions import Closed
from harvestd.market.accounts.export_actions import Exported
from harvestd.market.accounts.export_rows import section
from harvestd.market.orders.retention import Erased
from harvestd.store.postgres.statements import Statement, nothing
from harvestd.unit_of_work import UnitOfWork

_NOTICES = Statement("notifications_closing.notices", "delete from notifications where user_id = :user_id", nothing)
_OF_MEMBER = Statement(
    "notifications_closing.of_member", "delete from notifications where data->>'user_id' = :user_id", nothing
)
_OF_ORDERS = Statement(
    "notifications_closing.of_orders", "delete from notifications where data->>'order_id' = any(:ids::text[])", nothing
)
_MAILS = Statement("notifications_closing.mails", "delete from mails where recipient = :email", nothing)
_HELD = (
    section("notices", ("kind", "title", "body", "created_at", "read_at"), "notifications where user_id = :user_id"),
    section(
        "mails",
        ("subject", "state", "created_at", "sent_at"),
        "mails where recipient = (select email from users where id = :user_id)",
    ),
)


async def forget(unit: UnitOfWork, closed: Closed) -> None:
    """Delete them, and what others were told of the person as one of their farm; a mail that is being sent just now still arrives."""
    await unit.tx.run(_NOTICES, user_id=closed.user_id)
    await unit.tx.run(_OF_MEMBER, user_id=closed.user_id)
    await unit.tx.run(_MAILS, email=closed.email)


async def forget_orders(unit: UnitOfWork, erased: Erased) -> None:
    """Delete the notices of these orders, also their farms', which have the buyer's name, telephone number and address."""
    await unit.tx.run(_OF_ORDERS, ids=list(erased.order_ids))


async def export(unit: UnitOfWork, exported: Exported) -> None:
    """The person's notices, and what they were mailed, without the texts: these may have links with secrets."""
    exported.sections.extend(_HELD)

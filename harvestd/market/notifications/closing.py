"""The notices and mails of a person whose account is closed, or who asks what is held on them."""

from __future__ import annotations

from harvestd.market.accounts.closing_actions import Closed, Exported
from harvestd.store.postgres.database import Statement, nothing, scalar
from harvestd.unit_of_work import UnitOfWork

_NOTICES = Statement("notifications_closing.notices", "delete from notifications where user_id = :user_id", nothing)
_MAILS = Statement("notifications_closing.mails", "delete from mails where recipient = :email", nothing)
_EXPORT = Statement(
    "notifications_closing.export",
    """select to_jsonb(n) from (select kind, title, body, created_at, read_at from notifications
                                 where user_id = :user_id order by id) n""",
    scalar,
)


async def forget(unit: UnitOfWork, closed: Closed) -> None:
    """Delete them; a mail that is being sent just now still arrives."""
    await unit.tx.run(_NOTICES, user_id=closed.user_id)
    await unit.tx.run(_MAILS, email=closed.email)


async def export(unit: UnitOfWork, exported: Exported) -> None:
    """The person's notices."""
    exported.sections["notices"] = await unit.tx.rows(_EXPORT, user_id=exported.user_id)

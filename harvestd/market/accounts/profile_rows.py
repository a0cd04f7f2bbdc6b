"""Rows of user profiles."""

from __future__ import annotations

from datetime import datetime

from harvestd.store.postgres.database import Statement, Transaction, nothing

_CHANGE = Statement(
    "profiles.change",
    """update users set name = coalesce(:name, name), phone = case when :with_phone then :phone else phone end, version = version + 1,
              updated_at = :now
        where id = :user_id""",
    nothing,
)


async def change(
    tx: Transaction, user_id: str, name: str | None, with_phone: bool, phone: str | None, now: datetime
) -> None:
    """Store a new name, if given, and with ``with_phone`` the telephone number (None removes it)."""
    await tx.run(_CHANGE, user_id=user_id, name=name, with_phone=with_phone, phone=phone, now=now)

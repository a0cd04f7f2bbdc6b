"""Rows of user profiles."""

from __future__ import annotations

from datetime import datetime

from harvestd.store.postgres.statements import Statement, nothing
from harvestd.store.postgres.transactions import Transaction

_CHANGE = Statement(
    "profiles.change",
    """update users set name = coalesce(:name, name), phone = case when :with_phone then :phone else phone end,
              language = case when :with_language then :language else language end, version = version + 1,
              updated_at = :now
        where id = :user_id""",
    nothing,
)


async def change(
    tx: Transaction, user_id: str, now: datetime, *, name: str | None, with_phone: bool, phone: str | None, with_language: bool,
    language: str | None,
) -> None:  # fmt: skip
    """Store a new name, if given, and with ``with_phone`` and ``with_language`` the telephone number and the language (None removes it)."""
    await tx.run(
        _CHANGE, user_id=user_id, name=name, with_phone=with_phone, phone=phone, with_language=with_language, language=language, now=now
    )  # fmt: skip

"""Payloads of the account events."""

from __future__ import annotations

from uuid import UUID

from harvestd.kernel.events import Data


class AccountRegistered(Data, frozen=True, kw_only=True):
    """A new account."""

    user_id: UUID
    role: str
    email: str
    name: str

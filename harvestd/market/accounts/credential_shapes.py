"""Changing one's password and one's address."""

from __future__ import annotations

from harvestd.market.accounts.shapes import Email, NewPassword
from harvestd.web.shapes import In


class ChangePassword(In, kw_only=True, frozen=True):
    """The new password."""

    password: NewPassword


class ChangeEmail(In, kw_only=True, frozen=True):
    """The new address."""

    email: Email

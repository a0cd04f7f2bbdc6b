"""Payloads of the account events."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from harvestd.kernel.events import Data


class AccountRegistered(Data, frozen=True, kw_only=True):
    """A new account."""

    user_id: UUID
    role: str
    email: str
    name: str


class AccountMailRequested(Data, frozen=True, kw_only=True):
    """Somebody asked for a mail to this address, which may have no account: ``purpose`` is verify, reset, link, or known (they tried to
    register it, and it has an account); of a new address ``session`` is the sign-in that asked. ``language`` is what the request asked for, for an account that has chosen none."""

    purpose: Literal["verify", "reset", "link", "known", "address"]
    email: str
    user_id: UUID | None = None
    session: UUID | None = None
    language: str | None = None


class AccountAddressChanged(Data, frozen=True, kw_only=True):
    """An account has another address; ``before`` is the one that it had."""

    user_id: UUID
    before: str


class AccountNoted(Data, frozen=True, kw_only=True):
    """Something was noted in the audit log that the account's owner has to be told of; ``action`` is the log's. Of ``account.changed``,
    ``to`` is what the account has become: closed, opened, or the role that it has now."""

    user_id: UUID
    action: str
    to: str = ""


class AccountChanged(Data, frozen=True, kw_only=True):
    """Something of an account changed: its address was verified, its password reset."""

    user_id: UUID


class AccountDeleted(Data, frozen=True, kw_only=True):
    """The account of a person was closed for good; ``email`` is the address that it had, to say goodbye to, and ``language`` the one that
    it was written to in (None: the market's first)."""

    user_id: UUID
    email: str = ""
    language: str | None = None


class AccountExported(Data, frozen=True, kw_only=True):
    """What is held on a person was written to a file, by this operation."""

    user_id: UUID
    operation_id: UUID

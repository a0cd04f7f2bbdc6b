"""Accounts for the market's admins, and the audit log."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from harvestd.kernel.permissions import ROLES
from harvestd.market.accounts.audit_actions import ACTED, ACTIONS
from harvestd.market.accounts.factor_shapes import KindOut
from harvestd.market.accounts.shapes import RoleOut, User, UserFarm
from harvestd.web.shapes import CountedQuery, Id, In, Named, Out
from harvestd.web.vocabulary import closed

RoleIn = Annotated[
    Literal["buyer", "farmer", "manager", "admin"],
    closed("Role", ROLES, "The role of an account in the market. Every role can buy."),
]


#: One of the table's, or what was done for somebody, by its operation.
ActionIn = Annotated[
    str,
    Meta(
        max_length=60,
        extra_json_schema={
            "anyOf": [
                closed("AuditAction", ACTIONS, "What the audit log tells of.").extra_json_schema,
                {"pattern": rf"^{re.escape(ACTED)}[A-Za-z]+$"},
            ]
        },
    ),
]


class AccountsQuery(CountedQuery, kw_only=True, frozen=True):
    """Which accounts."""

    q: Annotated[str, Meta(max_length=200)] = ""
    role: RoleIn | None = None
    active: bool | None = None


class Account(Out, kw_only=True, frozen=True):
    """An account, as an admin sees it."""

    id: str
    email: str
    email_verified: bool
    username: str
    name: str
    role: RoleOut
    active: bool
    second_factor: bool
    deactivated: bool
    erased: bool
    created_at: datetime
    version: int


class AccountDetails(Account, kw_only=True, frozen=True):
    """An account with what belongs to it, as an admin sees it."""

    phone: str | None
    farms: list[UserFarm]
    groups: list[Named]
    second_factors: list[KindOut]
    last_sign_in_at: datetime | None


class ChangeAccount(In, kw_only=True, frozen=True):
    """What to change of an account."""

    role: RoleIn | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    second_factor: bool | UnsetType = UNSET


class Impersonate(In, kw_only=True, frozen=True):
    """Why somebody acts for another."""

    reason: Annotated[str, Meta(max_length=500)]


class ActingFor(Out, kw_only=True, frozen=True):
    """An access token for another's account; there is no refresh token."""

    user: User
    access_token: str
    token_type: str
    expires_in: int


class AuditQuery(CountedQuery, kw_only=True, frozen=True):
    """Which entries."""

    actor: Id | None = None
    subject: Id | None = None
    action: ActionIn | None = None
    object: Annotated[str, Meta(max_length=100)] | None = None
    from_: datetime | None = field(name="from", default=None)
    to: datetime | None = None


class AuditEntry(Out, kw_only=True, frozen=True):
    """What somebody did."""

    id: str
    at: datetime
    actor_id: str | None
    actor_name: str | None
    subject_id: str | None
    subject_name: str | None
    action: str
    object: str
    before: dict[str, str]
    after: dict[str, str]
    address: str
    request_id: str


WORDS: dict[str, str] = {
    "action": "What was done, such as `account.changed`.",
    "active": "Whether the account is open: a closed one cannot sign in.",
    "AccountDetails.second_factor": "Whether signing in needs a code of a second factor.",
    "AccountDetails.second_factors": "The kinds of the second factors that count.",
    "AccountDetails.farms": "The farms that the user belongs to.",
    "AccountDetails.groups": "The groups of buyers that the user is in.",
    "AuditQuery.from": "Entries of this time or later.",
    "AuditQuery.to": "Entries from before this time.",
    "last_sign_in_at": "When its owner last signed in; null: never, or longer ago than a sign-in is kept.",
    "AuditQuery.actor": "Entries of what this user did.",
    "AuditQuery.subject": "Entries of what was done to, or for, this user.",
    "AuditQuery.object": "Entries about this, as `<what>:<id>`.",
    "actor_id": "Who did it; null: the market itself.",
    "actor_name": "Their name now.",
    "AuditEntry.address": "From which network address.",
    "AuditEntry.after": "What it is now, as far as it changed.",
    "AuditEntry.at": "When.",
    "deactivated": "Whether its owner has put it to rest, and may open it again; changing `active` takes that from them.",
    "erased": "Whether its owner has closed it for good.",
    "before": "What it was, as far as it changed.",
    "object": "What it was done to, as `<what>:<id>`.",
    "Impersonate.reason": "Why; it is kept in the audit log.",
    "AuditEntry.request_id": "The request that did it, as in the log.",
    "subject_id": "To whom it was done, or for whom.",
    "subject_name": "Their name now.",
    "AccountsQuery.q": "Part of an address, username or name; or an id.",
    "AccountsQuery.role": "Accounts with this role.",
    "AccountsQuery.active": "Open or closed accounts alone.",
    "Account.second_factor": "Whether signing in needs a second factor.",
    "ChangeAccount.second_factor": "False takes all second factors and recovery codes away, of somebody who has lost them. Make sure of whom you talk to.",
    "ChangeAccount.role": "The role that it is to have.",
}

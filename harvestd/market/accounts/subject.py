"""Accounts: identity, sign-in, and profile. Their routes are in three parts."""

from __future__ import annotations

from harvestd.kernel.permissions import Permission
from harvestd.market.accounts import admin_subject, audit, events, export_actions, own_subject, sign_in_subject
from harvestd.market.long_work.kinds import File, LongWork
from harvestd.market.subject import Subject
from harvestd.web.context import ActedFor

SUBJECT = Subject(
    name="accounts",
    events={
        "account.registered": events.AccountRegistered,
        "account.mail_requested": events.AccountMailRequested,
        "account.verified": events.AccountChanged,
        "account.password_reset": events.AccountChanged,
        "account.address_changed": events.AccountAddressChanged,
        "account.noted": events.AccountNoted,
        "account.deleted": events.AccountDeleted,
        "account.exported": events.AccountExported,
    },
    listeners={ActedFor: audit.acted},
    long_work=(LongWork(name=export_actions.KIND, step=export_actions.step, permission=Permission.OWN_ACCOUNT, alone=True, personal=True,
                        file=File("account.json", "application/json")),),
    routes=(*sign_in_subject.ROUTES, *own_subject.ROUTES, *admin_subject.ROUTES),
)  # fmt: skip

"""Of the accounts' screen: accounts and the audit log, for the market's admins."""

from __future__ import annotations

from harvestd.kernel import errors
from harvestd.kernel.permissions import Permission
from harvestd.market.accounts import admin_routes, admin_shapes, audit_routes
from harvestd.web.context import CountedPage
from harvestd.web.routes import Mode, Route, Section

_ADMIN = Section("administration", "Accounts and the audit log, for the market's admins.", admin_shapes.WORDS)

ROUTES: tuple[Route, ...] = (
    Route(method="GET", path="/api/admin/users", operation="listAccounts", handler=admin_routes.listed, permission=Permission.MANAGE_ACCOUNTS, mode=Mode.FRESH,
          section=_ADMIN, summary="Accounts, newest first", query=admin_shapes.AccountsQuery, answer=CountedPage[admin_shapes.Account], limit="rate_read"),
    Route(method="GET", path="/api/admin/users/{id}", operation="getAccount", handler=admin_routes.see, permission=Permission.MANAGE_ACCOUNTS, mode=Mode.FRESH,
          section=_ADMIN, summary="An account, with what belongs to it", answer=admin_shapes.AccountDetails, limit="rate_read", errors=(errors.NotFound,)),
    Route(method="PATCH", path="/api/admin/users/{id}", operation="changeAccount", handler=admin_routes.change, permission=Permission.MANAGE_ACCOUNTS, mode=Mode.WRITE,
          section=_ADMIN, summary="Change an account's role, close or open it, or take its second factors away", body=admin_shapes.ChangeAccount, answer=admin_shapes.Account,
          may_match=True, errors=(errors.NotConfirmed, errors.NotFound, errors.Conflict)),
    Route(method="POST", path="/api/admin/users/{id}/impersonate", operation="impersonate", handler=admin_routes.impersonate, permission=Permission.MANAGE_ACCOUNTS,
          mode=Mode.OWN, section=_ADMIN, summary="Act for somebody, for a time", body=admin_shapes.Impersonate, rules=admin_routes.reason_faults, answer=admin_shapes.ActingFor,
          errors=(errors.NotFound, errors.Forbidden, errors.NotConfirmed),
          description="Both names stand in the audit log with whatever is done. Not for an admin's account; what needs a confirmation is not possible."),
    Route(method="GET", path="/api/admin/audit", operation="listAudit", handler=audit_routes.listed, permission=Permission.SEE_AUDIT, mode=Mode.FRESH, section=_ADMIN,
          summary="Who did what, for whom, when and from where; newest first", query=admin_shapes.AuditQuery, answer=CountedPage[admin_shapes.AuditEntry], limit="rate_read"),
)  # fmt: skip

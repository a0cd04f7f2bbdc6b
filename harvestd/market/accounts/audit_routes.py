"""The audit log, for the market's admins."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import accept
from harvestd.market.accounts import audit
from harvestd.market.accounts.admin_shapes import AuditEntry, AuditQuery
from harvestd.market.accounts.audit_actions import ACTED, ACTIONS
from harvestd.web.context import CountedPage, RequestContext
from harvestd.web.paging import Keyset

#: What somebody did for another.
_OPERATION = re.compile(rf"{re.escape(ACTED)}[A-Za-z]+")


async def listed(request: RequestContext, query: AuditQuery) -> CountedPage[AuditEntry]:
    """The audit log, newest first."""
    keyset = Keyset(query, "audit", (int,), lambda row: (row.seq,))
    (after,) = keyset.after or (None,)
    accept(*_faults(query))
    which = audit.Which(query.actor, query.subject, query.action, query.object, query.from_, query.to)
    shown, following = keyset.page(await audit.listed(request.reader, after, keyset.ask, which))
    total = await audit.count(request.reader, which) if query.count else None
    return CountedPage([_shown(row) for row in shown], following, total)


def _faults(query: AuditQuery) -> Iterator[FieldError]:
    """An action that there is none of finds nothing for ever, and so does a time that ends before it begins: both are mistakes."""
    if query.action is not None and query.action not in ACTIONS and not _OPERATION.fullmatch(query.action):
        possible = ", ".join([*ACTIONS, f"{ACTED}<operation>"])
        yield FieldError("action", f"must be one of: {possible}", code="not-one-of", params={"allowed": possible})
    if query.from_ is not None and query.to is not None and query.to < query.from_:
        yield FieldError("to", "must not be before from", code="before-start")


def _shown(row: audit.Entry) -> AuditEntry:
    return AuditEntry(
        id=row.id, at=row.at, actor_id=row.actor_id, actor_name=row.actor_name, subject_id=row.subject_id,
        subject_name=row.subject_name, action=row.action, object=row.object, before=_texts(row.before), after=_texts(row.after),
        address=row.address, request_id=row.request_id,
    )  # fmt: skip


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Values of any kind as text: a text as it is, others as JSON."""
    return {name: one if isinstance(one, str) else msgspec.json.encode(one).decode() for name, one in values.items()}

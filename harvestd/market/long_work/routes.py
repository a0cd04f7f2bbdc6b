"""Operations: how long work goes, its end, and the file that it makes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from harvestd.kernel.errors import Conflict, Forbidden, NotFound
from harvestd.kernel.permissions import Permission, may_everywhere
from harvestd.market.long_work import actions, rows
from harvestd.market.long_work.kinds import LongWork
from harvestd.market.long_work.kinds import Operation as Row
from harvestd.market.long_work.shapes import Operation, OperationsQuery
from harvestd.market.long_work.showing import shown
from harvestd.web.context import CountedPage, RequestContext, Result
from harvestd.web.paging import Keyset


async def listed(request: RequestContext, query: OperationsQuery) -> CountedPage[Operation]:
    """The caller's operations, newest first; for the market's staff also everyone's."""
    if query.everyone and not _sees_all(request):
        raise Forbidden("only the market's staff sees everyone's operations; leave everyone out")
    keyset = Keyset(query, "operations", (UUID,), lambda row: (row.id,))
    (after,) = keyset.after or (None,)
    whose = None if query.everyone else request.user.user_id
    which: dict[str, Any] = {"status": query.status, "kind": query.kind, "kinds": _kinds(request)}
    page, following = keyset.page(await rows.listed(request.reader, whose, after, keyset.ask, **which))
    total = await rows.count(request.reader, whose, **which) if query.count else None
    return CountedPage([shown(request, row) for row in page], following, total)


async def page(request: RequestContext) -> Operation:
    """How an operation goes."""
    return shown(request, await _visible(request))


async def cancel(request: RequestContext) -> Operation:
    """Cancel an operation; what it has done stays done."""
    found = await _visible(request)
    await actions.cancel(request.work, found.id)
    return shown(request, await _visible(request))


async def file(request: RequestContext) -> Result:
    """The file that an operation has made."""
    found = await _visible(request)
    kind: LongWork | None = request.parts.long_work.get(found.kind)
    if kind is None or kind.file is None:
        raise NotFound("this operation makes no file")
    if kind.personal:
        _check_oneself(request, found)
    if found.status == "cancelled":
        raise Conflict("this operation was cancelled, so there is no file of it; begin a new one")
    if found.status == "failed":
        raise Conflict("this operation has failed, so there is no file of it; see its errors, and begin a new one")
    if found.status != "succeeded":
        raise Conflict("the file of this operation is not ready; wait until its status is succeeded")
    headers = (
        ("Content-Disposition", f'attachment; filename="{kind.file.name}"'),
        ("Cache-Control", "private, no-store"),
    )
    return Result(await rows.file(request.reader, found.id), headers=headers, media_type=kind.file.media_type)


async def _visible(request: RequestContext) -> Row:
    """The operation of the path, if the caller began it, or is of the staff. Raises ``NotFound``."""
    found = await rows.one(request.reader, request.id("id"))
    known = found is not None and actions.is_kept(request.parts.settings, found, request.machine_now)
    if found is None or not known or not (found.user_id == request.user.user_id or _sees_all(request)):
        raise NotFound("there is no such operation")
    kinds = _kinds(request)
    if kinds is not None and found.kind not in kinds:
        raise NotFound("there is no such operation")
    return found


def _kinds(request: RequestContext) -> list[str] | None:
    """The kinds of operations that the caller sees: all (None) or, with an API key without the scope for operations, those that it may begin."""
    scopes = request.user.scopes
    if scopes is None or Permission.OWN_OPERATIONS in scopes:
        return None
    return [name for name, kind in request.parts.long_work.items() if kind.permission in scopes]


def _sees_all(request: RequestContext) -> bool:
    return _kinds(request) is None and may_everywhere(request.user.role, Permission.OWN_OPERATIONS)


def _check_oneself(request: RequestContext, found: Row) -> None:
    """Raise unless it is the owner who asks, signed in: nobody who acts for them, and no API key."""
    caller = request.user
    if found.user_id != caller.user_id:
        raise NotFound("there is no such operation")
    if caller.actor:
        raise Forbidden("this is not possible while acting for somebody")
    if caller.scopes is not None:
        raise Forbidden("this is not possible with an API key; sign in")

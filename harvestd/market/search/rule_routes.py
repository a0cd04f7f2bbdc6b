"""The rules for searches, for the market's staff."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from harvestd.kernel.errors import FieldError, NotFound
from harvestd.market.accounts import audit
from harvestd.market.search import rule_actions as actions
from harvestd.market.search import rule_rows as rows
from harvestd.market.search import rules
from harvestd.market.search.rule_shapes import ChangeSearchRule, NewSearchRule, SearchRule, SearchRulesQuery
from harvestd.web.context import CountedPage, RequestContext, Result
from harvestd.web.paging import Keyset
from harvestd.web.shapes import given


def _shown(row: rows.SearchRule) -> SearchRule:
    return SearchRule(**msgspec.structs.asdict(row))


def faults(request: RequestContext, sent: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields of a rule, independent of the others."""
    return rules.faults(sent)


async def listed(request: RequestContext, query: SearchRulesQuery) -> CountedPage[SearchRule]:
    """Rules, newest first."""
    keyset = Keyset(query, f"search rules {query.kind or ''}", (UUID,), lambda row: (row.id,))
    (after,) = keyset.after or (None,)
    shown, following = keyset.page(await rows.listed(request.reader, after, keyset.ask, query.kind))
    total = await rows.count(request.reader, query.kind) if query.count else None
    return CountedPage([_shown(row) for row in shown], following, total)


async def see(request: RequestContext) -> Result:
    """One rule."""
    found = await rows.one(request.reader, request.id("id"))
    if found is None:
        raise NotFound(actions.NO_RULE)
    return Result(_shown(found), version=found.version)


async def create(request: RequestContext, body: NewSearchRule) -> Result:
    """Make a rule."""
    made = await actions.create(request.work, msgspec.structs.asdict(body))
    await audit.note(request, request.work, "search_rule.created", None, f"search_rule:{made.id}", None, _told(made))
    return Result(_shown(made), version=made.version, headers=(("Location", f"/api/admin/search/rules/{made.id}"),))


async def change(request: RequestContext, body: ChangeSearchRule) -> Result:
    """Change a rule."""
    before, after = await actions.change(request.work, request.id("id"), given(body), request.check_version)
    was, now = _told(before), _told(after)
    changed = [name for name in actions.CHANGEABLE if was.get(name) != now.get(name)]
    if changed:
        await audit.note(
            request, request.work, "search_rule.changed", None, f"search_rule:{after.id}",
            {name: was.get(name) for name in changed}, {name: now.get(name) for name in changed},
        )  # fmt: skip
    return Result(_shown(after), version=after.version)


async def delete(request: RequestContext) -> None:
    """Delete a rule."""
    before = await actions.delete(request.work, request.id("id"), request.check_version)
    await audit.note(request, request.work, "search_rule.deleted", None, f"search_rule:{before.id}", _told(before))


def _told(row: rows.SearchRule) -> dict[str, Any]:
    """What the audit log says of a rule: all that its kind has."""
    names = ("kind", "queries", *rules.FIELDS[row.kind], "note", "active")
    return {name: getattr(row, name) for name in names}

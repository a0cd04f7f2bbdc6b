"""Founding farms, and the market's word on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import accept, clean_name, clean_text
from harvestd.kernel.permissions import Permission
from harvestd.market.accounts import audit
from harvestd.market.farms import actions, state_actions
from harvestd.market.farms.rules import TEXTS
from harvestd.market.farms.shapes import FoundFarm, JudgeFarm
from harvestd.market.farms.views import shown
from harvestd.web.context import RequestContext, Result

MAX_REASON = 500


def name_faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields, independent of the others."""
    found = clean_name("name", given["name"], TEXTS["name"].longest) if isinstance(given.get("name"), str) else None
    return [found] if isinstance(found, FieldError) else []


def reason_faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """The same of a judgement."""
    reason = given.get("reason", "")
    found = clean_text("reason", reason, MAX_REASON) if isinstance(reason, str) else None
    if found == "" and given.get("state") == "suspended":
        return [
            FieldError(
                "reason",
                "is needed to suspend a farm: its owners are told",
                code="required",
                params={"reason": "to-suspend"},
            )
        ]
    return [found] if isinstance(found, FieldError) else []


async def create(request: RequestContext, body: FoundFarm) -> Result:
    """Found a farm."""
    unit, user_id = request.work, request.user.user_id
    name = accept(clean_name("name", body.name, TEXTS["name"].longest))[0]
    assert isinstance(name, str)
    made = await state_actions.found(unit, user_id, name)
    await audit.note(
        request, unit, "farm.founded", user_id, f"farm:{made.id}", None, {"name": name, "state": made.state}
    )
    headers = (("Location", f"/api/farms/{made.id}"),)
    return Result(shown(request, made), version=made.version, headers=headers)


async def judge(request: RequestContext, body: JudgeFarm) -> Result:
    """Verify a farm, suspend it, or have it wait."""
    unit = request.work
    accept(
        *reason_faults(request, {"state": body.state, "reason": body.reason}), message="the farm cannot be judged so"
    )
    reason = clean_text("reason", body.reason, MAX_REASON)
    assert isinstance(reason, str)
    before = await actions.locked(unit, request.user, Permission.JUDGE_FARMS, request.path["id"])
    after = await state_actions.judge(unit, before, body.state, reason)
    if after.state != before.state or reason:
        changed = {"state": after.state, "reason": reason}
        await audit.note(request, unit, "farm.judged", None, f"farm:{after.id}", {"state": before.state}, changed)
    return Result(shown(request, after, own=True), version=after.version)

"""Farms: the list, with distances, the page, and changes by their members."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from harvestd.kernel import readers
from harvestd.kernel.errors import FieldError, Invalid, NotFound
from harvestd.kernel.names import accept
from harvestd.kernel.permissions import Permission
from harvestd.market.accounts import audit
from harvestd.market.farms import actions, changes, delivery_rules, imprint_actions, list_rows, name_actions, views
from harvestd.market.farms import near_rows as near
from harvestd.market.farms import rows as store
from harvestd.market.farms.shapes import ChangeFarm, FarmsQuery, ListedFarm
from harvestd.web.context import CountedPage, RequestContext, Result
from harvestd.web.paging import Keyset
from harvestd.web.replies import moved
from harvestd.web.shapes import given


async def listed(request: RequestContext, query: FarmsQuery) -> CountedPage[ListedFarm]:
    """The farms of ``ids``; or farms by distance if ``near`` is given, else newest first."""
    if query.ids is not None:
        return await _named(request, query, query.ids.split(","))
    at = readers.middle(query.near, query.radius_km)
    if at is not None:
        return await _near(request, query, at)
    order = Keyset(query, "farms", (UUID,), lambda row: (row.id,))
    (after,) = order.after or (None,)
    page, following = order.page(await list_rows.newest(request.reader, after, query.q, order.ask, query.benefit))
    total = await list_rows.count(request.reader, query.q, query.benefit) if query.count else None
    return CountedPage([views.listed(request, row) for row in page], following, total)


async def _named(request: RequestContext, query: FarmsQuery, ids: list[str]) -> CountedPage[ListedFarm]:
    alone = FarmsQuery(ids=query.ids, limit=query.limit, count=query.count)
    if query != alone:
        raise Invalid.of(
            "ids", "goes alone; leave out the other filters, and after", "not-accepted", reason="ids-alone"
        )
    found = await store.by_ids(request.reader, ids)
    return CountedPage([views.listed(request, row) for row in found], None, len(found) if query.count else None)


async def _near(request: RequestContext, query: FarmsQuery, at: tuple[float, float]) -> CountedPage[ListedFarm]:
    order = Keyset(query, "near", (float, UUID), lambda found: (found.distance, found.farm.id))
    rows = await near.nearest(request.reader, at, query.radius_km, query.q, order.after, order.ask, query.benefit)
    page, following = order.page(rows)
    total = await near.count(request.reader, at, query.radius_km, query.q, query.benefit) if query.count else None
    return CountedPage([views.listed(request, found.farm, found.distance) for found in page], following, total)


async def page(request: RequestContext) -> Result:
    """One farm, by id or slug; a former slug leads to the address of the present one."""
    token = request.path["id"]
    row = await store.find(request.reader, token)
    if row is None:
        raise NotFound("there is no such farm")
    if token not in (row.id, row.slug):
        return moved(request.route, {"id": row.slug})
    return Result(views.shown(request, row, own=await _runs(request, row)), version=row.version)


async def _runs(request: RequestContext, row: store.Farm) -> bool:
    """Whether the caller may change the farm."""
    caller = request.caller
    return caller is not None and await actions.allowed(request.reader, caller, Permission.CHANGE_FARM, row.id)


def _delivery_faults(request: RequestContext, before: store.Farm, after: store.Farm) -> Iterator[FieldError]:
    """What is wrong with where the farm delivers, together with the rest of it."""
    yield from delivery_rules.without_middle(after.delivery, after.at)
    if (after.delivery, after.order_minimum) != (before.delivery, before.order_minimum):
        currency = request.parts.settings.market_currency
        yield from delivery_rules.never_charged(after.delivery, after.order_minimum, currency)


async def change(request: RequestContext, body: ChangeFarm) -> Result:
    """Change a farm, and notify the subjects that show copies of the changed fields."""
    unit = request.work
    before = await actions.locked(unit, request.user, Permission.CHANGE_FARM, request.path["id"])
    request.check_version(before.version)
    altered = changes.read(request, given(body), [point["id"] for point in before.pickup_points])
    if "imprint" in altered:
        altered["imprint"] = await imprint_actions.change(unit, request.user, before, altered["imprint"])
    after = await actions.change(unit, before, altered)
    accept(*_delivery_faults(request, before, after), message="the farm cannot be accepted")
    if after.imprint != before.imprint:
        imprint_actions.tell(unit, after)
        about = f"farm:{after.id}"
        await audit.note(request, unit, "farm.imprint_changed", None, about, before.imprint, after.imprint)
    if after.name != before.name and after.state == "verified":
        name_actions.tell(unit, before, after)
        names = {"name": before.name}, {"name": after.name}
        await audit.note(request, unit, "farm.renamed", None, f"farm:{after.id}", *names)
    return Result(views.shown(request, after, own=True), version=after.version)

"""Pick-up points: shown to everybody, changed by the market's staff and, those of a farm, by whoever runs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import msgspec

from harvestd.kernel import errors
from harvestd.kernel.errors import FieldError
from harvestd.kernel.families import farm
from harvestd.kernel.names import Rule, clean
from harvestd.market.accounts import audit
from harvestd.market.days import point_actions as actions
from harvestd.market.days import point_rows as store
from harvestd.market.days import showing, window_rules
from harvestd.market.days.point_actions import Found
from harvestd.market.days.point_shapes import ChangeMarketPoint, MarketPoint, MarketPointsQuery, NewMarketPoint
from harvestd.market.days.window_rules import Capacity
from harvestd.market.farms.delivery_shapes import PointPosition
from harvestd.market.farms.rules import MAX_ADDRESS, MAX_HOURS, MAX_POINT_NAME, not_on_earth
from harvestd.web import sound
from harvestd.web.context import CountedPage, RequestContext, Result
from harvestd.web.paging import Keyset
from harvestd.web.shapes import Named, given

_TEXTS = {"name": Rule(MAX_POINT_NAME), "address": Rule(MAX_ADDRESS, lines=True), "hours": Rule(MAX_HOURS, lines=True)}


def faults(request: RequestContext, sent: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields of a point, independent of the others."""
    return [*errors.faults(lambda: clean(dict(sent), _TEXTS)), *_faults(sent)]


def _faults(sent: Mapping[str, Any]) -> Iterator[FieldError]:
    yield from not_on_earth("position", sound.members(sent, "position"))
    yield from window_rules.capacity_faults("capacity", sound.members(sent, "capacity"))


def _read(sent: Mapping[str, Any], farm_id: str | None) -> dict[str, Any]:
    """The given columns of a point; raises :class:`Invalid`."""
    wrong = [*_faults(sent)]
    if farm_id is not None and sent.get("capacity") is not None:
        message = "is of the market's own points; leave it out, and give it to the windows"
        wrong.append(FieldError("capacity", message, code="not-accepted", params={"reason": "point-of-farm"}))
    found = clean({name: sent[name] for name in _TEXTS if name in sent}, _TEXTS, also=wrong)
    if "position" in sent:
        at = sent["position"]
        found |= {name: None if at is None else float(getattr(at, name)) for name in ("latitude", "longitude")}
    if "capacity" in sent and farm_id is None:
        one = sent["capacity"]
        holds = window_rules.capacity(None if one is None else msgspec.structs.asdict(one))
        found |= {"max_orders": holds.orders, "max_crates": holds.crates, "max_grams": holds.grams}
    return found


def _shown(found: Found) -> MarketPoint:
    if isinstance(found, store.Point):
        at = None if found.latitude is None else {"latitude": found.latitude, "longitude": found.longitude}
        holds = Capacity(orders=found.max_orders, crates=found.max_crates, grams=found.max_grams)
        return MarketPoint(
            id=found.id, farm=None, name=found.name, address=found.address, position=msgspec.convert(at, PointPosition | None), hours=found.hours,
            capacity=showing.capacity(holds), version=found.version, created_at=found.created_at, updated_at=found.updated_at,
        )  # fmt: skip
    whose, point = found.farm, found.point
    return MarketPoint(
        id=point["id"], farm=Named(id=whose.id, slug=whose.slug, name=whose.name), name=point["name"], address=point["address"],
        position=msgspec.convert(point.get("position"), PointPosition | None), hours=point.get("hours", ""), capacity=showing.capacity(Capacity()),
        version=whose.version, created_at=whose.created_at, updated_at=whose.updated_at,
    )  # fmt: skip


def _version(found: Found) -> int:
    return found.version if isinstance(found, store.Point) else found.farm.version


async def listed(request: RequestContext, query: MarketPointsQuery) -> CountedPage[MarketPoint]:
    """The market's pick-up points, newest first."""
    keyset = Keyset(query, "pickup points", (UUID,), lambda row: (row.id,))
    (after,) = keyset.after or (None,)
    page, following = keyset.page(await store.listed(request.reader, after, keyset.ask))
    total = await store.count(request.reader) if query.count else None
    return CountedPage([_shown(row) for row in page], following, total)


async def see(request: RequestContext) -> Result:
    """One pick-up point."""
    found = await actions.find(request.reader, request.id("id"))
    families = farm(found.farm.id)[:1] if isinstance(found, actions.OfFarm) else ()
    return Result(_shown(found), version=_version(found), families=families)


async def create(request: RequestContext, body: NewMarketPoint) -> Result:
    """Make a pick-up point."""
    sent = given(body)
    farm_id = sent.pop("farm_id")
    made = await actions.create(request.work, request.user, farm_id, _read(sent, farm_id))
    return await _noted(
        request, made, "pickup_point.created", headers=(("Location", f"/api/pickup-points/{_id(made)}"),)
    )


async def change(request: RequestContext, body: ChangeMarketPoint) -> Result:
    """Change a pick-up point."""
    id, sent = request.id("id"), given(body)
    before = await actions.find(request.tx, id, request.user)
    farm_id = before.farm.id if isinstance(before, actions.OfFarm) else None
    after = await actions.change(request.work, request.user, id, _read(sent, farm_id), request.check_version)
    return await _noted(request, after, "pickup_point.changed")


async def delete(request: RequestContext) -> None:
    """Delete a pick-up point."""
    gone = await actions.delete(request.work, request.user, request.id("id"), request.check_version)
    await _noted(request, gone, "pickup_point.deleted")


async def _noted(request: RequestContext, found: Found, action: str, **more: Any) -> Result:
    """The point, with an entry in the audit log; that of a farm's says its name alone."""
    name = found.name if isinstance(found, store.Point) else found.point["name"]
    await audit.note(request, request.work, action, None, f"pickup_point:{_id(found)}", None, {"point": name})
    return Result(_shown(found), version=_version(found), **more)


def _id(found: Found) -> str:
    return found.id if isinstance(found, store.Point) else str(found.point["id"])

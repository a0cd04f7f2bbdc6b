"""Farms: the list, with distances, the page, and changes by their members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import UNSET

from harvestd.kernel import errors, readers
from harvestd.kernel.errors import FieldError, Invalid, NotFound
from harvestd.kernel.geography import box_around, distance_km, shown_km
from harvestd.kernel.permissions import Permission
from harvestd.market.accounts import audit
from harvestd.market.farms import actions, imprint_actions
from harvestd.market.farms import imprint_rules as imprints
from harvestd.market.farms import rows as store
from harvestd.market.farms import rules as market
from harvestd.market.farms.shapes import ChangeFarm, Farm, FarmsQuery, LocationOut, PickupPoint
from harvestd.web import sound
from harvestd.web.context import CountedPage, RequestContext, Result
from harvestd.web.money import given_faults, minor_units, money
from harvestd.web.paging import Keyset
from harvestd.web.shapes import Imprint, Rating, Season, given

DEFAULT_RADIUS_KM = 50.0


def shown(row: store.Farm, currency: str, distance: float | None = None) -> Farm:
    """A farm as the contract shows it."""
    season = Season(from_=row.season_from, to=row.season_to) if row.season_from and row.season_to else None
    return Farm(
        id=row.id, slug=row.slug, name=row.name, description=row.description,
        location=LocationOut(latitude=row.latitude, longitude=row.longitude, address=row.address),
        certifications=row.certifications, season=season,
        pickup_points=[PickupPoint(id=p["id"], name=p["name"], address=p["address"]) for p in row.pickup_points],
        order_minimum=money(row.order_minimum, currency), imprint=Imprint(**row.imprint),
        rating=Rating(average=float(row.rating_average) if row.rating_count else None, count=row.rating_count),
        external_id=row.external_id, metadata=row.metadata, state=row.state, version=row.version, created_at=row.created_at, updated_at=row.updated_at,
        distance_km=UNSET if distance is None else shown_km(distance),
    )  # fmt: skip


async def listed(request: RequestContext, query: FarmsQuery) -> CountedPage[Farm]:
    """The farms of ``ids``; or farms by distance if ``near`` is given, else newest first."""
    currency = request.parts.settings.market_currency
    if query.ids is not None:
        return await _named(request, query, query.ids.split(","), currency)
    at = readers.middle(query.near, query.radius_km)
    if at is not None:
        return await _near(request, query, at, currency)
    order = Keyset(query, "farms", (UUID,), lambda row: (row.id,))
    (after,) = order.after or (None,)
    page, following = order.page(await store.newest(request.reader, after, query.q, order.ask))
    total = await store.count(request.reader, query.q) if query.count else None
    return CountedPage([shown(row, currency) for row in page], following, total)


async def _named(request: RequestContext, query: FarmsQuery, ids: list[str], currency: str) -> CountedPage[Farm]:
    alone = FarmsQuery(ids=query.ids, limit=query.limit, count=query.count)
    if query != alone:
        raise Invalid.of("ids", "goes without near, radius_km, q and after", "not-accepted", reason="ids-alone")
    found = await store.by_ids(request.reader, ids)
    return CountedPage([shown(row, currency) for row in found], None, len(found) if query.count else None)


async def _near(
    request: RequestContext, query: FarmsQuery, at: tuple[float, float], currency: str
) -> CountedPage[Farm]:
    radius = query.radius_km or DEFAULT_RADIUS_KM
    rows = await store.in_box(request.reader, box_around(*at, radius), query.q)
    ranked = sorted((_distance(row, at), row.id, row) for row in rows)
    order = Keyset(query, "near", (float, UUID), lambda found: found[:2])
    after = order.after or (-1.0, "")
    within = [found for found in ranked if found[0] <= radius]
    page, following = order.page([found for found in within if found[:2] > after])
    items = [shown(row, currency, distance) for distance, _, row in page]
    return CountedPage(items, following, len(within) if query.count else None)


def _distance(row: store.Farm, at: tuple[float, float]) -> float:
    assert row.latitude is not None and row.longitude is not None  # only farms with a position are in the box
    return distance_km(*at, row.latitude, row.longitude)


async def page(request: RequestContext) -> Result:
    """One farm, by id or slug; a former slug leads to the address of the present one."""
    token = request.path["id"]
    row = await store.find(request.reader, token)
    if row is None:
        raise NotFound("there is no such farm")
    if token not in (row.id, row.slug):
        return Result(status=301, headers=(("Location", f"/api/farms/{row.slug}"),))
    return Result(shown(row, request.parts.settings.market_currency), version=row.version)


async def change(request: RequestContext, body: ChangeFarm) -> Result:
    """Change a farm, and notify the subjects that show copies of the changed fields."""
    unit = request.work
    before = await actions.locked(unit, request.user, Permission.CHANGE_FARM, request.path["id"])
    request.check_version(before.version)
    changes = _changes(request, given(body), [point["id"] for point in before.pickup_points])
    if "imprint" in changes:
        changes["imprint"] = await imprint_actions.change(unit, request.user, before, changes["imprint"])
    after = await actions.change(unit, before, changes)
    if after.imprint != before.imprint:
        imprint_actions.tell(unit, after)
        about = f"farm:{after.id}"
        await audit.note(request, unit, "farm.imprint_changed", None, about, before.imprint, after.imprint)
    return Result(shown(after, request.parts.settings.market_currency), version=after.version)


def faults(request: RequestContext, sent: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields of a farm, independent of the others."""
    names, points = ({} if name in sent else sound.elements(sent, name) for name in ("certifications", "pickup_points"))
    return [*errors.faults(lambda: _changes(request, sent)), *market.element_faults(names, points)]


#: The fields that are columns as they are sent.
_AS_SENT = ("name", "slug", "description", "certifications", "external_id", "metadata")


def _changes(request: RequestContext, sent: Mapping[str, Any], points: Sequence[str] | None = None) -> dict[str, Any]:
    """The columns that change; raises :class:`Invalid` with every field that is wrong. ``points`` are the ids of the farm's
    pick-up points, None if no farm is loaded."""
    changes = {name: sent[name] for name in _AS_SENT if name in sent}
    wrong: list[FieldError] = []
    place = sound.members(sent, "location")
    if "location" in sent:
        changes |= {"latitude": None, "longitude": None, "address": ""}
    wrong += market.not_on_earth("location", place)
    if not wrong:
        changes |= {n: float(place[n]) for n in ("latitude", "longitude") if place.get(n) is not None}
    if "address" in place:
        changes["address"] = place["address"]
    currency = request.parts.settings.market_currency
    money_faults = given_faults("order_minimum", sent, currency)
    if "order_minimum" in sent and not money_faults:
        changes["order_minimum"] = minor_units("order_minimum", sent["order_minimum"], currency)
    wrong += money_faults
    texts, found = imprints.checked(sound.members(sent, "imprint"))
    wrong += found
    if "imprint" in sent:
        changes["imprint"] = None if sent["imprint"] is None else texts
    if "pickup_points" in sent:
        wrong += () if points is None else market.not_its_own([p.id for p in sent["pickup_points"]], points)
        changes["pickup_points"] = [
            {"id": p.id or request.new_id(), "name": p.name, "address": p.address} for p in sent["pickup_points"]
        ]
    return market.checked(changes, also=wrong)

"""Farms: the list, with distances, the page, and what their people change."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from harvestd.market.errors import Forbidden, Invalid, NotFound
from harvestd.market.families import CATALOGUE, FARMS, farm, stale
from harvestd.market.geography import box_around, distance_km
from harvestd.market.products import Known, happened
from harvestd.store import farms as store
from harvestd.store import outbox, products
from harvestd.store.database import Transaction
from harvestd.web.call import Answer, Call, Page
from harvestd.web.cursors import decode, encode
from harvestd.web.money import minor_units, money
from harvestd.web.positions import position
from harvestd.web.shapes.farms import ChangeFarm, Farm, FarmsQuery, LocationOut, PickupPoint
from harvestd.web.shapes.values import Season

DEFAULT_RADIUS_KM = 50.0


def shown(row: store.Farm, currency: str, distance: float | None = None) -> Farm:
    """A farm as the contract shows it."""
    season = Season(from_=row.season_from, to=row.season_to) if row.season_from and row.season_to else None
    return Farm(
        id=row.id, slug=row.slug, name=row.name, description=row.description,
        location=LocationOut(latitude=row.latitude, longitude=row.longitude, address=row.address),
        certifications=row.certifications, season=season,
        pickup_points=[PickupPoint(id=p["id"], name=p["name"], address=p["address"]) for p in row.pickup_points],
        order_minimum=money(row.order_minimum, currency), version=row.version, created_at=row.created_at,
        updated_at=row.updated_at, distance_km=UNSET if distance is None else round(distance, 3),
    )  # fmt: skip


async def listed(call: Call, query: FarmsQuery) -> Page[Farm]:
    """Farms by distance where ``near`` is given, else from the newest on."""
    currency = call.parts.settings.market_currency
    if query.near is not None:
        return await _near(call, query, position(query.near), currency)
    if query.radius_km is not None:
        raise Invalid.of("radius_km", "goes with near")
    after = decode(query.after, "farms", UUID)[0] if query.after else None
    rows = await store.newest(call.reader, after, query.q, query.limit + 1)
    page = rows[: query.limit]
    more = len(rows) > query.limit
    return Page(items=[shown(row, currency) for row in page], next=encode("farms", page[-1].id) if more else None)


async def _near(call: Call, query: FarmsQuery, at: tuple[float, float], currency: str) -> Page[Farm]:
    radius = query.radius_km or DEFAULT_RADIUS_KM
    rows = await store.in_box(call.reader, box_around(*at, radius), query.q)
    ranked = sorted((_distance(row, at), row.id, row) for row in rows)
    after = decode(query.after, "near", float, UUID) if query.after else (-1.0, "")
    left = [found for found in ranked if found[0] <= radius and (found[0], found[1]) > after]
    page = left[: query.limit]
    following = encode("near", page[-1][0], page[-1][1]) if len(left) > query.limit else None
    return Page(items=[shown(row, currency, distance) for distance, _, row in page], next=following)


def _distance(row: store.Farm, at: tuple[float, float]) -> float:
    assert row.latitude is not None and row.longitude is not None  # the box has positions alone
    return distance_km(*at, row.latitude, row.longitude)


async def page(call: Call) -> Answer:
    """One farm, by id or slug."""
    row = await store.find(call.reader, call.path["id"])
    if row is None:
        raise NotFound("there is no such farm")
    return Answer(shown(row, call.parts.settings.market_currency), version=row.version)


async def owned(call: Call, tx: Transaction, farm_id: str) -> None:
    """Raise :class:`Forbidden` unless the caller belongs to the farm, or is staff."""
    if call.user.role != "admin" and await store.role(tx, farm_id, call.user.user_id) is None:
        raise Forbidden("this farm is not yours")


async def change(call: Call, body: ChangeFarm) -> Answer:
    """Change a farm; its products are told of a new name, so that they are found by it."""
    found = await store.find(call.tx, call.path["id"])
    before = await store.lock(call.tx, found.id) if found else None
    if before is None:
        raise NotFound("there is no such farm")
    await owned(call, call.tx, before.id)
    call.check_version(before.version)
    after = msgspec.structs.replace(before, **_changes(call, body), version=before.version + 1, updated_at=call.now)
    await store.update(call.tx, after)
    tokens = dict.fromkeys((before.id, before.slug, after.slug))
    events = [stale(f"farm:{after.id}", after.version, FARMS, CATALOGUE, *farm(*tokens))]
    if after.name != before.name:
        events += [
            happened("updated", Known(p.id, p.slug, after.id, after.slug), p.revision, ["farm"])
            for p in await products.revise_of_farm(call.tx, after.id)
        ]
    outbox.record(call.tx, events, call.new_id, call.now)
    return Answer(shown(after, call.parts.settings.market_currency), version=after.version)


def _changes(call: Call, body: ChangeFarm) -> dict[str, Any]:
    changes: dict[str, Any] = {
        name: value
        for name in ("name", "slug", "description", "certifications")
        if (value := getattr(body, name)) is not UNSET
    }
    if body.location is None:
        changes |= {"latitude": None, "longitude": None, "address": ""}
    elif body.location is not UNSET:
        latitude, longitude = position(f"{body.location.latitude},{body.location.longitude}", "location")
        changes |= {"latitude": latitude, "longitude": longitude, "address": body.location.address}
    if body.order_minimum is not UNSET:
        currency = call.parts.settings.market_currency
        changes["order_minimum"] = minor_units("order_minimum", body.order_minimum, currency)
    if body.pickup_points is not UNSET:
        changes["pickup_points"] = [
            {"id": p.id or call.new_id(), "name": p.name, "address": p.address} for p in body.pickup_points
        ]
    return changes

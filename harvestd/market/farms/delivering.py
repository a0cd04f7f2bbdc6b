"""Delivery as a body gives it, and as the contract shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from harvestd.kernel import errors
from harvestd.kernel.errors import FieldError
from harvestd.kernel.rates import said
from harvestd.market.farms import delivery_rules as rules
from harvestd.market.farms.delivery_shapes import Area, Delivery, DeliveryIn, PointPosition, corners
from harvestd.market.farms.rules import not_on_earth
from harvestd.web import sound
from harvestd.web.money import given_faults, minor_units, money

#: The amounts of money of an area.
_AMOUNTS = ("fee", "minimum", "free_from")


def read(given: DeliveryIn | None, currency: str) -> tuple[dict[str, Any] | None, list[FieldError]]:
    """The delivery as it is stored, and its faults."""
    if given is None:
        return None, []
    wrong: list[FieldError] = []
    areas = [msgspec.structs.asdict(one) for one in given.areas]
    for i, area in enumerate(areas):
        area["polygon"] = corners(area["polygon"])
        for name in _AMOUNTS:
            field, value = f"delivery.areas[{i}].{name}", area[name]
            if value is not None:
                wrong += errors.faults(lambda: area.update({name: minor_units(field, value, currency)}))  # noqa: B023  (called at once)
    wrong += rules.faults(areas, given.note)
    if wrong:
        return None, wrong
    return {"areas": [rules.kept(area) for area in areas], "note": rules.TEXTS["note"].apply("", given.note)}, []


def faults_within(path: str, area: Mapping[str, Any]) -> Iterator[FieldError]:
    """Faults in the postcodes and in the corners of a polygon that could be read only in part, among the members of their area."""
    if "postcodes" not in area:
        codes = sound.elements(area, "postcodes").items()
        found = (rules.postcode_fault(f"{path}.postcodes[{i}]", code) for i, code in codes)
        yield from (fault for fault in found if fault is not None)
    if "polygon" not in area:
        for i, corner in sound.elements(area, "polygon").items():
            yield from not_on_earth(f"{path}.polygon[{i}]", corner)


def faults_in_part(sent: Mapping[str, Any], currency: str) -> list[FieldError]:
    """Faults in a delivery that could be read only in part."""
    wrong: list[FieldError] = []
    for i, area in sound.elements(sent, "delivery.areas").items():
        polygon = {"polygon": corners(area["polygon"])} if "polygon" in area else {}
        wrong += [*rules.area_faults(i, {**area, **polygon}), *faults_within(f"delivery.areas[{i}]", area)]
        for name in _AMOUNTS:
            found = given_faults(name, area, currency)
            wrong += [
                FieldError(f"delivery.areas[{i}].{f.field}", f.message, code=f.code, params=f.params) for f in found
            ]
    note = rules.TEXTS["note"].apply("delivery.note", sent.get("delivery.note", ""))
    return [*wrong, *([note] if isinstance(note, FieldError) else [])]


def shown(delivery: Mapping[str, Any] | None, currency: str) -> Delivery | None:
    """The delivery of a farm."""
    if delivery is None:
        return None
    areas = [
        Area(
            name=area["name"], postcodes=area["postcodes"], radius_km=area["radius_km"], polygon=msgspec.convert(area.get("polygon"), list[PointPosition] | None), fee=money(area["fee"], currency),
            minimum=money(area["minimum"], currency), free_from=None if area["free_from"] is None else money(area["free_from"], currency),
            rate=said(area.get("rate", 0)),
        )
        for area in delivery["areas"]
    ]  # fmt: skip
    return Delivery(areas=areas, note=delivery["note"])

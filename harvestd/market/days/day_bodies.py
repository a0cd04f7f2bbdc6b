"""What a body says of a market day and its windows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
import msgspec

from harvestd.kernel import errors, foreign
from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import clean
from harvestd.market.days import day_rules, window_rules
from harvestd.market.days.window_rules import Capacity
from harvestd.market.days.window_shapes import WindowAreaIn, WindowIn
from harvestd.market.farms.delivering import faults_within
from harvestd.market.farms.delivery_rules import kept_place, place_faults
from harvestd.market.farms.delivery_shapes import corners
from harvestd.market.farms.rules import not_on_earth
from harvestd.web import sound

_NO_AREA = {"postcodes": None, "radius_km": None, "center": None, "polygon": None}


@attrs.frozen(kw_only=True)
class AskedWindow:
    """A window as a body has it: ``path`` is its place there, ``area`` as it is stored."""

    path: str
    id: str | None
    method: str
    point_id: str | None
    area: dict[str, Any] | None
    start: datetime
    end: datetime
    capacity: Capacity | None


def faults(sent: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields of a day, independent of the others; also of those that could be read only in part."""
    wrong = errors.faults(lambda: clean({"name": sent.get("name")}, day_rules.TEXTS))
    wrong += day_rules.time_faults(sent)
    metadata = sent.get("metadata", sound.members(sent, "metadata"))
    wrong += foreign.metadata("metadata", metadata)[1]
    windows = sound.elements(sent, "windows")
    too_many = window_rules.places_fault(places_of(windows.values()))
    if too_many is not None:
        return [*wrong, too_many]
    for i, window in windows.items():
        wrong += window_faults(f"windows[{i}]", window)
    wrong += twice("windows", "id", {i: w.get("id") for i, w in windows.items()})
    wrong += twice("farms", "farm_id", {i: f.get("farm_id") for i, f in sound.elements(sent, "farms").items()})
    return wrong


def places_of(windows: Iterable[Mapping[str, Any]]) -> int:
    """How many postcodes and corners windows have together, as far as they could be read."""
    areas = (sound.members(one, "area") for one in windows)
    return sum(len(area.get(name) or ()) for area in areas for name in ("postcodes", "polygon"))


def window_faults(path: str, given: Mapping[str, Any]) -> Iterator[FieldError]:
    """Faults in the given members of a window."""
    yield from window_rules.faults(path, given)
    yield from window_rules.capacity_faults(f"{path}.capacity", sound.members(given, "capacity"))
    where = sound.members(given, "area")
    if where:
        polygon = {"polygon": corners(where["polygon"])} if "polygon" in where else {}
        yield from place_faults(f"{path}.area", {**where, **polygon})
        yield from faults_within(f"{path}.area", where)
        yield from not_on_earth(f"{path}.area.center", sound.members(where, "center"))
        if where.get("radius_km") is not None and "center" in where and where["center"] is None:
            message = "is needed for radius_km: the circle is round it"
            yield FieldError(f"{path}.area.center", message, code="required", params={"reason": "for-radius"})
        if "radius_km" in where and where["radius_km"] is None and where.get("center") is not None:
            message = "is only for radius_km"
            yield FieldError(f"{path}.area.center", message, code="not-accepted", params={"reason": "with-radius"})


def twice(name: str, member: str, given: Mapping[int, str | None]) -> Iterator[FieldError]:
    """Faults of elements of a list that have the same id."""
    seen: set[str] = set()
    for i, id in given.items():
        if id is not None and id in seen:
            yield FieldError(f"{name}[{i}].{member}", "is already given above", code="given-twice")
        seen.add(id or "")


def read(sent: Mapping[str, Any]) -> dict[str, Any]:
    """The given fields of a body without faults, as actions take them: the name and the notes normalised, farms as pairs of an id and a lead."""
    found = clean(dict(sent), day_rules.TEXTS)
    if "metadata" in found:
        found["metadata"] = foreign.metadata("metadata", found["metadata"])[0]
    if found.get("farms") is not None:
        found["farms"] = [(one.farm_id, one.lead_minutes) for one in found["farms"]]
    if "windows" in found:
        found["windows"] = windows(found["windows"])
    return found


def windows(given: Sequence[WindowIn]) -> list[AskedWindow]:
    """The windows of a body without faults."""
    return [
        AskedWindow(
            path=f"windows[{i}]", id=one.id, method=one.method, point_id=one.pickup_point_id, area=area(one.area), start=one.from_, end=one.to,
            capacity=None if one.capacity is None else window_rules.capacity(msgspec.structs.asdict(one.capacity)),
        )
        for i, one in enumerate(given)
    ]  # fmt: skip


def area(given: WindowAreaIn | None) -> dict[str, Any] | None:
    """An area without faults as it is stored."""
    if given is None:
        return None
    whole = _NO_AREA | msgspec.structs.asdict(given) | {"polygon": corners(given.polygon)}
    at = given.center
    center = None if at is None else {"latitude": float(at.latitude), "longitude": float(at.longitude)}
    return {**kept_place(whole), "center": center}

"""What a body says of a schedule, and how the template of its rounds is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import msgspec

from harvestd.kernel import errors, foreign
from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import clean
from harvestd.market.days import day_bodies, recurrence_rules, schedule_rules, window_rules
from harvestd.market.days.day_bodies import AskedWindow
from harvestd.market.days.day_rules import TEXTS
from harvestd.market.days.schedule_rules import DayTime
from harvestd.market.days.schedule_shapes import DayTimeIn, ScheduledWindowIn
from harvestd.market.days.window_rules import Capacity
from harvestd.web import sound

#: The fields that are columns as they are sent, and those of the template.
COLUMNS = ("name", "first", "exceptions", "extra_days", "country", "subdivision", "on_holiday", "rounds_ahead")
TEMPLATE = ("opens", "closes", "farms", "windows", "holds_minutes", "metadata")


def faults(sent: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields of a schedule, independent of the others; also of those that could be read only in part."""
    wrong = errors.faults(lambda: clean({"name": sent.get("name")}, TEXTS))
    wrong += schedule_rules.faults(sent)
    wrong += foreign.metadata("metadata", sent.get("metadata", sound.members(sent, "metadata")))[1]
    windows = sound.elements(sent, "windows")
    too_many = window_rules.places_fault(day_bodies.places_of(windows.values()))
    if too_many is not None:
        return [*wrong, too_many]
    for i, window in windows.items():
        timeless = {name: value for name, value in window.items() if name not in ("from", "to")}
        wrong += day_bodies.window_faults(f"windows[{i}]", timeless)
    wrong += day_bodies.twice(
        "farms", "farm_id", {i: f.get("farm_id") for i, f in sound.elements(sent, "farms").items()}
    )
    if "opens" in sent and "closes" in sent:
        times = [
            (f"windows[{i}]", time_of(one["from"]), time_of(one["to"])) for i, one in windows.items() if {"from", "to"} <= one.keys()
        ]  # fmt: skip
        wrong += schedule_rules.time_faults(time_of(sent["opens"]), time_of(sent["closes"]), times)
    return wrong


def time_of(given: DayTimeIn | Mapping[str, Any]) -> DayTime:
    """A time as it is sent, or stored."""
    day, at = (given.day, given.at) if isinstance(given, DayTimeIn) else (given["day"], given["at"])
    return DayTime(day, time.fromisoformat(at))


def read(sent: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The columns, and the members of the template, of a body without faults."""
    columns = clean({name: sent[name] for name in COLUMNS if name in sent}, TEXTS)
    if "rule" in sent:
        columns["rule"] = recurrence_rules.parsed("rule", sent["rule"]).text
    for name in ("exceptions", "extra_days"):
        if name in columns:
            columns[name] = sorted(set(columns[name]))
    template = {name: sent[name] for name in TEMPLATE if name in sent}
    for name in ("opens", "closes"):
        if name in template:
            template[name] = _time(template[name])
    if template.get("farms") is not None:
        template["farms"] = [{"farm_id": one.farm_id, "lead_minutes": one.lead_minutes} for one in template["farms"]]
    if "metadata" in template:
        template["metadata"] = foreign.metadata("metadata", template["metadata"])[0]
    if "windows" in template:
        template["windows"] = [_window(one) for one in template["windows"]]
    return columns, template


def _time(given: DayTimeIn) -> dict[str, Any]:
    return {"day": given.day, "at": given.at}


def _window(one: ScheduledWindowIn) -> dict[str, Any]:
    holds = None
    if one.capacity is not None:
        holds = attrs.asdict(window_rules.capacity(msgspec.structs.asdict(one.capacity)))
    return {
        "method": one.method, "pickup_point_id": one.pickup_point_id, "area": day_bodies.area(one.area), "from": _time(one.from_), "to": _time(one.to),
        "capacity": holds,
    }  # fmt: skip


def round_of(
    name: str, template: Mapping[str, Any], day: date, zone: ZoneInfo, points: Iterable[str], farms: Iterable[str]
) -> dict[str, Any]:
    """A round of a schedule as ``day_actions`` takes a day, with the pick-up points and the farms that there are: what is gone is left out."""
    known, there = set(points), set(farms)
    windows = [
        AskedWindow(
            path=f"windows[{i}]", id=None, method=one["method"], point_id=one["pickup_point_id"], area=one["area"], start=time_of(one["from"]).on(day, zone),
            end=time_of(one["to"]).on(day, zone), capacity=None if one["capacity"] is None else Capacity(**one["capacity"]),
        )
        for i, one in enumerate(template["windows"])
        if one["pickup_point_id"] is None or one["pickup_point_id"] in known
    ]  # fmt: skip
    of = template["farms"]
    return {
        "name": name, "opens_at": time_of(template["opens"]).on(day, zone), "closes_at": time_of(template["closes"]).on(day, zone),
        "farms": None if of is None else [(one["farm_id"], one["lead_minutes"]) for one in of if one["farm_id"] in there],
        "windows": windows, "holds_minutes": template["holds_minutes"], "metadata": template["metadata"],
    }  # fmt: skip

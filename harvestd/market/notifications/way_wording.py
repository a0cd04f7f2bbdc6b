"""How, when and where goods reach their buyer, in the texts of messages. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from harvestd.kernel.formatting import moment
from harvestd.kernel.languages import mail
from harvestd.kernel.names import one_line
from harvestd.market.notifications.line_wording import Facts
from harvestd.market.notifications.messages import PIECES


def ways(value: Sequence[tuple[str, Mapping[str, Any]]], facts: Facts, language: str) -> str:
    """The fulfilment of each farm's part (by the farm's name): one sentence if it is the same for all."""
    if all(way == value[0][1] for _, way in value):
        return _way(value[0][1], language)
    return "".join(f"{one_line(farm)}: {_way(way, language)}" for farm, way in value)


def _way(way: Mapping[str, Any], language: str) -> str:
    """The fulfilment of a part, as a sentence; and when it is, in a market that sells by days."""
    if "window" not in way:
        return _where(way, language)
    return _where(way, language) + _when(way["window"], language)


def _where(way: Mapping[str, Any], language: str) -> str:
    if way.get("method") == "delivery":
        return mail(PIECES["delivery"], language).format(address=one_line(way.get("address", "")))
    point = way.get("pickup_point")
    if not point:
        return mail(PIECES["pickup"], language)
    return mail(PIECES["point"], language).format(name=one_line(point["name"]), address=one_line(point["address"]))


def _when(window: Sequence[str], language: str) -> str:
    """A window: from, to, the zone in which these are meant, and the name of its market day (which notices from before do not say)."""
    start, end = _times(window, language)
    if len(window) < 4:
        return mail(PIECES["window"], language).format(start=start, end=end)
    return mail(PIECES["day_window"], language).format(day=one_line(window[3]), start=start, end=end)


def _times(window: Sequence[str], language: str) -> tuple[str, str]:
    zone = ZoneInfo(window[2])
    start, end = (moment(datetime.fromisoformat(at), zone, language) for at in window[:2])
    return start, end


def windows(value: Sequence[Sequence[Sequence[Any]]], facts: Facts, language: str) -> str:
    """Windows before and after they were moved, a line each."""
    return "\n".join("  " + " -> ".join(_window(one, language) for one in pair) for pair in value)


def _window(one: Sequence[Any], language: str) -> str:
    """A window in a line: from, to, their zone, and the name and the address of its pick-up point, if it has one."""
    start, end = _times(one, language)
    return ", ".join(
        [*(one_line(text) for text in one[3:] if text), mail(PIECES["from_to"], language).format(start=start, end=end)]
    )

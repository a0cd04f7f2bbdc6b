"""What a synthetic farm says of itself beside its name: certificates, where it delivers, when it is away, where and when its goods are fetched. Drawn apart
from the rest, so that a seed's farms are the ones that they were."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from random import Random
from typing import Any

import attrs
import msgspec

from harvestd.loading.synthetic.facts import CLAIMS
from harvestd.market.farms.day_rules import Dated, turn

HOURS = ("Fri 14:00-18:00, Sat 9:00-12:00", "Wed 16:00-19:00", "Mon-Fri 8:00-18:00", "Sat 8:00-13:00")
#: The shares of farms that deliver, and that are away some time.
_DELIVERS, _AWAY = 0.4, 0.15
COLUMNS = "external_id, certificates, delivery, away, turns_on"


@attrs.frozen(kw_only=True)
class Place:
    """Where a farm is: its town, an address, its position in degrees."""

    town: str
    address: str
    latitude: str
    longitude: str


def points(draw: Random, place: Place) -> str:
    """Its pick-up points as JSON: at the farm, and sometimes in the town."""
    at = {"latitude": float(place.latitude), "longitude": float(place.longitude)}
    found: list[dict[str, Any]] = [
        {"id": "farm", "name": "At the farm", "address": place.address, "position": at, "hours": draw.choice(HOURS)}
    ]
    if draw.random() < 0.3:
        found.append({"id": "market", "name": "Weekly market", "address": f"Market Street, {place.town}", "position": None, "hours": HOURS[3]})  # fmt: skip
    return _json(found)


def columns(draw: Random, source: str, certified: tuple[str, ...], today: date) -> tuple[str, ...]:
    """The values of :data:`COLUMNS`."""
    certificates = [_certificate(draw, name, today) for name in certified if name in CLAIMS]
    away = [_absence(draw, today)] if draw.random() < _AWAY else []
    turns = turn(Dated(certificates, away), today)
    delivery = _json(_delivery(draw)) if draw.random() < _DELIVERS else "\\N"
    return source, _json(certificates), delivery, _json(away), turns.isoformat() if turns else "\\N"


def _certificate(draw: Random, name: str, today: date) -> dict[str, Any]:
    scheme, body = CLAIMS[name]
    until = today + timedelta(days=draw.randrange(20, 700))
    return {"scheme": scheme, "body_code": body, "number": f"US{draw.randrange(10**6):06}", "valid_until": until.isoformat()}  # fmt: skip


def _absence(draw: Random, today: date) -> dict[str, str]:
    first = today + timedelta(days=draw.randrange(7, 60))  # all can be ordered from at first
    last = first + timedelta(days=draw.randrange(3, 15))
    return {"from": first.isoformat(), "to": last.isoformat(), "note": "The farm is on holiday."}


def _delivery(draw: Random) -> dict[str, Any]:
    areas = [_area("Nearby", draw.choice((10, 15, 25)), 0, 2000, None), _area("Further", 60, 590, 3000, 8000)]
    return {"areas": areas[: draw.randrange(1, 3)], "note": "On Thursdays, from noon on."}


def _area(name: str, radius: float, fee: int, minimum: int, free: int | None) -> Mapping[str, Any]:
    return {"name": name, "postcodes": None, "radius_km": float(radius), "fee": fee, "minimum": minimum, "free_from": free}  # fmt: skip


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()

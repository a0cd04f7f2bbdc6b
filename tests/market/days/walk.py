"""The operations of market days, each once, as a person of the demo would ask for them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.openapi.steps import ADMIN, BUYER, SUNNY_ACRES, Step


def _times(ask: Callable[..., Any], known: dict[str, Any]) -> dict[str, Any]:
    """Moments of the days that come: contracts cannot say when they are read."""
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    hours = {"opens": -48, "closes": 72, "next": 24 * 7 - 48, "begins": 91, "ends": 94, "leaves": 97, "home": 101}
    at = {name: (noon + timedelta(hours=more)).isoformat().replace("+00:00", "Z") for name, more in hours.items()}
    return {"times": at | {"first": (noon + timedelta(days=20)).date().isoformat()}}


_WINDOW = {
    "method": "pickup", "pickup_point_id": "{createPickupPoint.id}", "from": "{times.begins}", "to": "{times.ends}",
    "capacity": {"orders": 40, "weight_kg": "500"},
}  # fmt: skip
_DELIVERY = {
    "method": "delivery", "area": {"postcodes": ["1010", "1020"]}, "from": "{times.leaves}", "to": "{times.home}", "capacity": {"crates": 60}
}  # fmt: skip
_DAY, _COPY = {"id": "{createMarketDay.id}"}, {"id": "{copyMarketDay.id}"}
_POINT = {"id": "{createPickupPoint.id}"}
_HALL = {
    "name": "Market hall", "address": "1 Square", "position": {"latitude": 48.2, "longitude": 16.4}, "hours": "Sat 9:00-12:00",
    "capacity": {"orders": 40},
}  # fmt: skip
_FIRST = {
    "name": "First Saturday of May", "opens_at": "{times.opens}", "closes_at": "{times.closes}",
    "farms": [{"farm_id": SUNNY_ACRES, "lead_minutes": 120}], "windows": [_WINDOW, _DELIVERY], "holds_minutes": 15,
}  # fmt: skip

_ITS = {"id": "{createMarketSchedule.id}"}
_SCHEDULE = {
    "name": "Saturday market", "rule": "FREQ=WEEKLY;BYDAY=SA", "first": "{times.first}", "country": "AT", "on_holiday": "previous", "rounds_ahead": 3,
    "opens": {"day": -5, "at": "08:00"}, "closes": {"day": -2, "at": "20:00"},
    "windows": [{"method": "delivery", "area": {"postcodes": ["1010"]}, "from": {"at": "09:00"}, "to": {"at": "12:00"}, "capacity": {"orders": 40}}],
}  # fmt: skip

STEPS: tuple[Step, ...] = (
    Step("createPickupPoint", ADMIN, body=_HALL),
    Step("listPickupPoints"),
    Step("getPickupPoint", parameters=_POINT),
    Step("changePickupPoint", ADMIN, _POINT, {"hours": "Sat 8:00-12:00"}),
    Step("createMarketDay", ADMIN, body=_FIRST, prepare=_times),
    Step("listMarketDays"),
    Step("getMarketDay", parameters=_DAY),
    Step("listCartWindows", BUYER),
    Step("changeMarketDay", ADMIN, _DAY, {"name": "Saturday market"}),
    Step("copyMarketDay", ADMIN, _DAY, {"opens_at": "{times.next}", "name": "Second Saturday of May"}),
    Step("closeMarketDay", ADMIN, _DAY),
    Step("deleteMarketDay", ADMIN, _COPY),
    # with a day that is not cancelled, the orders of the steps that follow would need a window
    Step("cancelMarketDay", ADMIN, _DAY, {"reason": "Storm."}),
    Step("deletePickupPoint", ADMIN, {"id": "{another.id}"}, prepare=lambda ask, known: {"another": _another(ask, known)}),
    Step("createMarketSchedule", ADMIN, body=_SCHEDULE),
    Step("listMarketSchedules", ADMIN),
    Step("getMarketSchedule", ADMIN, _ITS),
    Step("changeMarketSchedule", ADMIN, _ITS, {"rounds_ahead": 2}),
    Step("deleteMarketSchedule", ADMIN, _ITS),
    Step("moveClock", ADMIN, body={"to": "{times.next}"}, last=True),
)  # fmt: skip


def _another(ask: Callable[..., Any], known: dict[str, Any]) -> Any:
    """A pick-up point that no market day has."""
    return ask("POST", "/api/pickup-points", {"name": "Barn"}, known["tokens"][ADMIN])

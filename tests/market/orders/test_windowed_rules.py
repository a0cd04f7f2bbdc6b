"""When a window takes an order, and when one of which a place is held does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from harvestd.kernel.errors import MarketClosed
from harvestd.market.days.slots import Slot
from harvestd.market.orders.delivery_rules import Farm, Way
from harvestd.market.orders.windowed_rules import Booked, check_open, takes_changes

NOON = datetime(2026, 6, 6, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FARMS = {"acres": Farm("Green Acres")}


def slot(**more: Any) -> Slot:
    given: dict[str, Any] = {
        "id": "w", "day_id": "d", "day_name": "Saturday", "status": "open", "opens_at": NOON - HOUR, "closes_at": NOON + HOUR, "leads": None,
        "method": "pickup", "point": None, "farm_id": None, "area": None, "starts_at": NOON + 2 * HOUR, "ends_at": NOON + 3 * HOUR, "max_orders": None,
        "max_crates": None, "max_grams": None, "taken_orders": 0, "taken_crates": 0, "taken_grams": 0, "holds_minutes": 15,
    }  # fmt: skip
    return Slot(**given | more)


def refused(one: Slot, held: tuple[str, ...]) -> str:
    """Why, if it is."""
    try:
        check_open({"acres": Booked(Way(path="f"), one)}, FARMS, NOON, held)
    except MarketClosed as closed:
        return closed.errors[0].params["reason"]
    return ""


@pytest.mark.parametrize(
    ("more", "changes"),
    [
        ({}, True),
        ({"status": "closed"}, False),
        ({"status": "closed", "closed_full": True}, True),
        ({"status": "closed", "closed_full": True, "closes_at": NOON}, False),
        ({"status": "closed", "closed_full": True, "leads": {"acres": 60}}, False),
        ({"status": "cancelled", "closed_full": True}, False),
    ],
)
def test_what_is_ordered_for_a_full_day_is_changed_until_its_cut_off(more: dict[str, Any], changes: bool) -> None:
    assert takes_changes(slot(**more).hours("acres"), NOON) is changes


@pytest.mark.parametrize(
    ("more", "plain", "held"),
    [
        ({}, "", ""),
        ({"status": "planned"}, "day-closed", ""),
        ({"status": "closed"}, "day-closed", ""),
        ({"closes_at": NOON}, "day-closed", ""),
        ({"leads": {"acres": 60}}, "farm-closed", ""),
        ({"starts_at": NOON}, "day-closed", ""),
        ({"starts_at": NOON - HOUR, "ends_at": NOON + timedelta(seconds=1)}, "day-closed", ""),
        ({"starts_at": NOON - HOUR, "ends_at": NOON}, "day-closed", "day-closed"),
        ({"status": "done"}, "day-closed", "day-closed"),
        ({"status": "cancelled"}, "day-closed", "day-cancelled"),
    ],
)
def test_what_is_held_outlasts_every_cut_off_and_no_cancellation(more: dict[str, Any], plain: str, held: str) -> None:
    assert (refused(slot(**more), ()), refused(slot(**more), ("w",))) == (plain, held)

"""Windows: what they hold, and which are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from harvestd.market.days.window_rules import (
    Capacity,
    Measures,
    below_taken,
    capacity,
    capacity_faults,
    faults,
    grams,
    too_early,
)

NOON, LATER = datetime(2026, 5, 4, 12, tzinfo=UTC), datetime(2026, 5, 4, 13, tzinfo=UTC)
POINT = "0197f0a0-7c1e-7abc-8def-0123456789ab"


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"method": "pickup", "pickup_point_id": POINT, "area": None, "from": NOON, "to": LATER}, []),
        ({"method": "delivery", "pickup_point_id": None, "area": None, "from": NOON, "to": LATER}, []),
        ({"from": NOON, "to": NOON}, [("w.to", "before-start")]),
        ({"from": NOON}, []),
        ({"method": "pickup", "pickup_point_id": None}, [("w.pickup_point_id", "required")]),
        ({"method": "pickup", "area": {}}, [("w.area", "not-accepted")]),
        ({"method": "delivery", "pickup_point_id": POINT}, [("w.pickup_point_id", "not-accepted")]),
    ],
)
def test_a_window(given: dict[str, Any], wrong: list[tuple[str, str]]) -> None:
    assert [(fault.field, fault.code) for fault in faults("w", given)] == wrong


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"orders": 1, "crates": 1_000_000, "weight_kg": Decimal("0.001")}, []),
        ({"orders": 0}, [("c.orders", "below-minimum")]),
        ({"crates": 1_000_001}, [("c.crates", "above-maximum")]),
        ({"weight_kg": Decimal(0)}, [("c.weight_kg", "below-minimum")]),
        ({"weight_kg": Decimal("0.0001")}, [("c.weight_kg", "off-step")]),
        ({"orders": None, "crates": None, "weight_kg": None}, []),
    ],
)
def test_what_it_holds(given: dict[str, Any], wrong: list[tuple[str, str]]) -> None:
    assert [(fault.field, fault.code) for fault in capacity_faults("c", given)] == wrong


def test_what_is_not_counted_is_never_full() -> None:
    held = capacity({"orders": None, "crates": 3, "weight_kg": Decimal("12.5")})
    assert held == Capacity(crates=3, grams=12_500) and grams(Decimal("0.001")) == 1
    assert capacity(None) == Capacity()
    taken = Measures(orders=99, crates=2, grams=12_000)
    assert held.left(taken) == {"crates": 1, "grams": 500}
    assert held.short(taken, Measures(orders=1, crates=1, grams=500)) == []
    assert held.short(taken, Measures(orders=1, crates=2, grams=501)) == ["crates", "grams"]
    assert not held.is_full(taken) and held.is_full(Measures(crates=3)) and not Capacity().is_full(taken)


def test_a_capacity_is_not_below_what_is_taken() -> None:
    taken = Measures(orders=2, crates=3, grams=1500)
    assert not list(below_taken("w", Capacity(orders=2, crates=3, grams=1500), taken))
    found = {
        fault.field: fault.params["reserved"]
        for fault in below_taken("w", Capacity(orders=1, crates=2, grams=1499), taken)
    }
    assert found == {"w.capacity.orders": "2", "w.capacity.crates": "3", "w.capacity.weight_kg": "1.5"}


def test_a_window_is_not_over_before_its_day_opens() -> None:
    assert too_early("w", LATER, NOON) is None
    fault = too_early("w", NOON, NOON)
    assert fault is not None and fault.field == "w.to"
    assert too_early("w", NOON - timedelta(seconds=1), NOON) is not None

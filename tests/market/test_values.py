"""Quantities, money, seasons, slugs and distances."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvestd.market.errors import Invalid
from harvestd.market.geography import box_around, distance_km
from harvestd.market.quantities import amount_shown, exact, line_total, shown
from harvestd.market.seasons import checked, in_season
from harvestd.market.slugs import is_id, slug


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_an_exact_quantity_has_three_places_and_the_same_value(quantity: Decimal) -> None:
    value = exact(quantity)
    assert value is None or (value == quantity and value.as_tuple().exponent == -3)


def test_quantities_and_amounts_are_shown_as_the_contract_has_them() -> None:
    assert [shown(Decimal(q)) for q in ("1.25", "0", "12")] == ["1.250", "0.000", "12.000"]
    assert amount_shown(1250, "EUR") == "12.50 EUR"


@given(st.integers(0, 10**8), st.integers(1, 10**6))
def test_a_line_costs_price_times_quantity_within_half_a_minor_unit(price: int, thousandths: int) -> None:
    quantity = Decimal(thousandths) / 1000
    assert abs(line_total(price, quantity) - price * quantity) <= Decimal("0.5")


@pytest.mark.parametrize(
    ("first", "last", "today", "within"),
    [
        ("05-01", "10-31", "2026-07-03", True),
        ("05-01", "10-31", "2026-11-01", False),
        ("10-01", "03-31", "2026-12-24", True),
        ("10-01", "03-31", "2026-03-31", True),
        ("10-01", "03-31", "2026-04-01", False),
        ("2026-06-01", "2026-08-31", "2026-06-01", True),
        ("2026-06-01", "2026-08-31", "2027-06-01", False),
        (None, None, "2026-01-01", True),
    ],
)
def test_a_season_is_every_year_perhaps_across_new_year_or_once(
    first: str, last: str, today: str, within: bool
) -> None:
    assert in_season(first, last, date.fromisoformat(today)) is within


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        ("13-01", "05-01", "season.from"),
        ("05-01", "may", "season.to"),
        ("2026-02-30", "2026-03-01", "season.from"),
        ("05-01", "2026-05-01", "season.to"),
        ("2026-05-02", "2026-05-01", "season.to"),
        ("٠٥-٠١", "05-01", "season.from"),
    ],
)
def test_a_season_that_is_none_names_its_day(first: str, last: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked(first, last)
    assert refused.value.errors[0].field == field
    assert checked("02-29", "03-01").first == "02-29"


def test_slugs_are_plain_words_and_never_ids() -> None:
    assert slug("Müllers Höfe & Söhne!", "a1b2c3") == "mullers-hofe-sohne-a1b2c3"
    assert slug("青菜") == "n"
    assert is_id("0197f0a0-7c1e-7abc-8def-0123456789ab") and not is_id(slug("x" * 300))


def test_distances_are_great_circles() -> None:
    paris, london = (48.8566, 2.3522), (51.5074, -0.1278)
    assert distance_km(*paris, *london) == pytest.approx(343.6, abs=0.5)


@given(st.floats(-89, 89), st.floats(-179, 179), st.floats(1, 400), st.floats(0, 6.28))
def test_the_box_holds_every_point_within_the_radius(lat: float, lon: float, radius: float, bearing: float) -> None:
    from math import asin, atan2, cos, degrees, radians, sin

    angle, a = 0.999 * radius / 6371.0088, radians(lat)
    there = asin(sin(a) * cos(angle) + cos(a) * sin(angle) * cos(bearing))
    east = degrees(atan2(sin(bearing) * sin(angle) * cos(a), cos(angle) - sin(a) * sin(there)))
    box = box_around(lat, lon, radius)
    assert box.south <= degrees(there) <= box.north
    if abs(lon + east) <= 180:
        assert box.west <= lon + east <= box.east

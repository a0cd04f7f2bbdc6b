"""Quantities, money, seasons, slugs and distances."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.kernel.geography import box_around, distance_km, shown_km
from harvestd.kernel.quantities import exact, line_total, shown
from harvestd.kernel.seasons import checked, in_season
from harvestd.kernel.slugs import candidates, is_id, slug
from harvestd.kernel.slugs import given as given_slug


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_an_exact_quantity_has_three_places_and_the_same_value(quantity: Decimal) -> None:
    value = exact(quantity)
    assert value is None or (value == quantity and value.as_tuple().exponent == -3)


def test_quantities_and_amounts_are_shown_as_the_contract_has_them() -> None:
    assert [shown(Decimal(q)) for q in ("1.25", "0", "12")] == ["1.250", "0.000", "12.000"]


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
    assert slug("\u3164", "a1b2c3") == "a1b2c3" and slug("\u3164") == ""
    assert is_id("0197f0a0-7c1e-7abc-8def-0123456789ab") and not is_id(slug("x" * 300))


@pytest.mark.parametrize(
    ("name", "made"),
    [("青菜", "qing-cai"), ("Αγρόκτημα", "agroktima"), ("ФЕРМА Яблоко", "ferma-yabloko"), ("l’Œuf", "loeuf"),
     ("Łosoś Œufs", "losos-oeufs"), ("100 % Bio", "100-bio")],
)  # fmt: skip
def test_a_slug_is_read_as_the_name_is(name: str, made: str) -> None:
    assert slug(name) == made


@pytest.mark.parametrize(
    ("text", "code"),
    [("a" * 80, ""), ("a" * 81, "too-long"), ("a-b", ""), ("a--b", "not-a-slug"), ("a\n", "not-a-slug")],
)
def test_a_slug_that_is_given_is_kept_or_refused(text: str, code: str) -> None:
    found = given_slug("slug", text)
    assert found == text if not code else isinstance(found, FieldError) and found.code == code


def test_a_slug_that_nobody_gave_has_ever_more_of_the_id_until_nobody_else_has_it() -> None:
    id = "01a22506-6494-776a-840c-6a553aab1f6b"
    assert list(candidates("Green Acres", id)) == [
        "green-acres", "green-acres-ab1f6b", "green-acres-840c6a553aab1f6b",
    ]  # fmt: skip
    assert list(candidates("\u3164", id)) == ["ab1f6b", "840c6a553aab1f6b"]


def test_a_distance_is_shown_to_the_metre() -> None:
    assert (shown_km(1.23449), shown_km(1.2346)) == (1.234, 1.235)


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
    assert box.west <= (lon + east + 540) % 360 - 180 <= box.east, "over the antimeridian, too"

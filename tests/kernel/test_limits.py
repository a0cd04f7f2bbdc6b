"""The limits of the kernel's values, each from both sides: what is still taken, and the first that is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from harvestd.kernel import email_addresses, readers
from harvestd.kernel.cursors import MAX as MAX_CURSOR
from harvestd.kernel.cursors import Int4, decode, encode, opened
from harvestd.kernel.errors import FieldError, Invalid, MarketError, NotFound, Overloaded, TooMany, Unavailable
from harvestd.kernel.formatting import money
from harvestd.kernel.geography import RADIUS_KM, box_around, distance_km
from harvestd.kernel.languages import MAX_RANGES
from harvestd.kernel.names import clean_name, clean_text, has_invisible, lines, seen
from harvestd.kernel.phones import phone
from harvestd.kernel.quantities import (  # fmt: skip
    COMPARED,
    MAX,
    MAX_PRICE,
    exact,
    line_total,
    not_negative,
    orderable,
    positive,
    shown,
)
from harvestd.kernel.seasons import checked, in_season
from harvestd.kernel.slugs import slug
from harvestd.kernel.units import UNITS


def fault(found: Any) -> tuple[str, dict[str, str]] | None:
    """Code and parameters of what is wrong; None for what is taken."""
    return (found.code, dict(found.params)) if isinstance(found, FieldError) else None


def refusal(call: Callable[..., Any], *given: Any) -> tuple[str, dict[str, str]] | None:
    """The same of what raises."""
    try:
        call(*given)
    except Invalid as error:
        return error.errors[0].code, dict(error.errors[0].params)
    return None


# --- quantities and money ---


@pytest.mark.parametrize(
    ("quantity", "value"),
    [
        ("9999999.999", "9999999.999"), ("10000000", None), ("9999999.9990001", None), ("-9999999.999", "-9999999.999"),
        ("-10000000", None), ("0.001", "0.001"), ("0.0001", None), ("1.0010", "1.001"), ("NaN", None), ("-Infinity", None), ("0", "0"),
    ],
)  # fmt: skip
def test_what_a_quantity_holds(quantity: str, value: str | None) -> None:
    assert exact(Decimal(quantity)) == (None if value is None else Decimal(value))


MIN, TOO_MUCH = {"minimum": "0.001"}, {"maximum": "9999999.999"}
BOUNDS = {"minimum": f"-{MAX}", "maximum": str(MAX)}


@pytest.mark.parametrize(
    ("quantity", "more_than_none", "none_or_more"),
    [
        ("0.001", None, None), ("0", ("below-minimum", MIN), None), ("-0.001", ("below-minimum", MIN), ("below-minimum", {"minimum": "0"})),
        ("0.0005", ("off-step", {"step": "0.001"}), ("off-step", {"step": "0.001"})), ("9999999.999", None, None),
        ("10000000", ("above-maximum", TOO_MUCH), ("above-maximum", TOO_MUCH)), ("NaN", ("not-a-number", BOUNDS), ("not-a-number", BOUNDS)),
        ("-10000000", ("above-maximum", TOO_MUCH), ("above-maximum", TOO_MUCH)),
        ("-9999999.999", ("below-minimum", MIN), ("below-minimum", {"minimum": "0"})),
        ("9999999.9985", ("off-step", {"step": "0.001"}), ("off-step", {"step": "0.001"})),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_quantity(quantity: str, more_than_none: Any, none_or_more: Any) -> None:
    assert fault(positive("q", Decimal(quantity))) == more_than_none
    assert fault(not_negative("q", Decimal(quantity))) == none_or_more
    if none_or_more is None:
        assert not_negative("q", Decimal(quantity)) == Decimal(quantity)


@pytest.mark.parametrize(
    ("quantity", "wrong"),
    [
        ("0.5", None), ("0.499", ("below-minimum", {"minimum": "0.500", "unit": "kg"})), ("0.45", ("below-minimum", {"minimum": "0.500", "unit": "kg"})),
        ("0.55", None), ("0.501", ("off-step", {"step": "0.050", "unit": "kg"})), ("9999999.95", None), ("0", ("below-minimum", MIN)),
    ],
)  # fmt: skip
def test_a_line_is_on_its_step_and_not_below_its_least(quantity: str, wrong: Any) -> None:
    found = orderable("q", Decimal(quantity), Decimal("0.05"), Decimal("0.5"), "kg")
    assert fault(found) == wrong and (wrong is not None or found == Decimal(quantity))


@pytest.mark.parametrize(
    ("price", "quantity", "total"),
    [(1, "0.5", 1), (1, "0.499", 0), (3, "0.5", 2), (390, "1.25", 488), (0, "5", 0), (100, "2", 200), (MAX_PRICE, "1", 100_000_000)],
)  # fmt: skip
def test_a_line_costs_price_times_quantity_half_a_unit_up(price: int, quantity: str, total: int) -> None:
    assert line_total(price, Decimal(quantity)) == total


@pytest.mark.parametrize(
    "amount, text", [(0, "€0.00"), (1, "€0.01"), (99, "€0.99"), (100, "€1.00"), (123456, "€1,234.56")]
)
def test_amounts_for_people(amount: int, text: str) -> None:
    assert money(amount, "EUR") == text


@pytest.mark.parametrize(
    ("unit", "per", "factor"),
    [
        ("kg", "kg", "1"), ("g", "kg", "1000"), ("litre", "litre", "1"), ("each", "each", "1"), ("bunch", "bunch", "1"), ("box", "box", "1"),
        ("ml", "litre", "1000"), *((counted, counted, "1") for counted in ("dozen", "punnet", "jar", "crate", "head")),
    ],
)  # fmt: skip
def test_units_are_compared_by_one_of_their_kind(unit: str, per: str, factor: str) -> None:
    assert COMPARED[unit] == (per, Decimal(factor))
    assert set(COMPARED) == set(UNITS)
    assert COMPARED["lb"][0] == "kg" and round(COMPARED["lb"][1] * Decimal("0.45359237"), 20) == 1
    assert Decimal("9999999.999") == MAX and shown(Decimal("1.0005")) == "1.000"


# --- seasons ---


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        ("05-01", "10-31", {"04-30": False, "05-01": True, "10-31": True, "11-01": False}),
        ("10-01", "03-31", {"09-30": False, "10-01": True, "12-31": True, "01-01": True, "03-31": True, "04-01": False}),
        ("05-01", "05-01", {"04-30": False, "05-01": True, "05-02": False}),
        ("2026-05-01", "2026-05-31", {"04-30": False, "05-01": True, "05-31": True, "06-01": False}),
        (None, "05-01", {"12-31": True}), ("05-01", None, {"12-31": True}),
    ],
)  # fmt: skip
def test_the_first_and_the_last_day_are_of_a_season(first: str, last: str, days: dict[str, bool]) -> None:
    for day, within in days.items():
        assert in_season(first, last, date.fromisoformat(f"2026-{day}")) is within, day


def test_a_season_of_one_day_and_one_that_ends_before_it_begins() -> None:
    assert checked("2026-05-01", "2026-05-01").last == "2026-05-01"
    assert checked("10-01", "03-31").first == "10-01", "across New Year"
    assert refusal(checked, "2026-05-02", "2026-05-01") is not None
    for first, last in (
        ("2026-05-1", "2026-05-01"),
        ("0501", "05-01"),
        ("W01-1", "W02-1"),
        ("2026-W18-5", "2026-W19-5"),
        ("05-01\n", "05-02"),
    ):
        assert refusal(checked, first, last) == ("not-a-date", {"example": "05-01"})
    assert (
        refusal(checked, "02-29", "02-30") == ("not-a-date", {"example": "05-01"})
        and checked("02-29", "02-29").first == "02-29"
    )
    assert (
        refusal(checked, "2028-02-29", "2028-02-29") is None
        and refusal(checked, "2026-02-29", "2026-03-01") is not None
    )


# --- slugs, names, telephone numbers, addresses ---


@pytest.mark.parametrize(
    ("name", "distinction", "found"),
    [
        ("x" * 60, "", "x" * 60), ("x" * 61, "", "x" * 60), ("x" * 61, "ab", "x" * 60 + "-ab"), ("x" * 59 + " y", "", "x" * 59),
        ("x" * 58 + " y", "", "x" * 58 + "-y"), (" -a b- ", "", "a-b"), ("A1", "", "a1"),
    ],
)  # fmt: skip
def test_how_long_a_slug_is(name: str, distinction: str, found: str) -> None:
    assert slug(name, distinction) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("12345", "12345"), ("1234", None), ("1" * 15, "1" * 15), ("1" * 16, None), ("+43 (664) 12-34/5.6", "+43664123456"),
        ("12345" + " " * 35, "12345"), ("12345" + " " * 36, None), ("", None), ("+", None),
    ],
)  # fmt: skip
def test_what_a_telephone_number_is(text: str, found: str | None) -> None:
    number = phone("phone", text)
    assert (None if isinstance(number, FieldError) else number) == found
    if found is None:
        assert fault(number) == ("not-a-phone-number", {})


@pytest.mark.parametrize(("length", "taken"), [(0, False), (1, True), (9, True), (10, True), (11, False), (141, False)])
def test_how_long_a_name_and_a_text_are(length: int, taken: bool) -> None:
    for clean in (clean_name, clean_text):
        found = clean("f", "x" * length, 10)
        assert found == "x" * length or length in (0, 11, 141)
        assert isinstance(found, str) is (taken or (clean is clean_text and not length))
    too_long = ("too-long", {"maximum": "10"})
    assert fault(clean_name("f", "x" * 11, 10)) == fault(clean_text("f", "x" * 11, 10)) == too_long


@pytest.mark.parametrize(("blanks", "taken"), [(139, True), (140, False)])
def test_how_much_is_looked_at_of_what_would_be_short_enough(blanks: int, taken: bool) -> None:
    """Four times as long as it may be, and 100 more."""
    assert (clean_name("f", "x" + " " * blanks, 10) == "x") is taken
    assert (clean_text("f", "x" + " " * blanks, 10) == "x") is taken


@pytest.mark.parametrize(("marks", "kept"), [(29, 29), (30, 30), (31, 30), (60, 30)])
def test_so_many_marks_stand_on_one_letter(marks: int, kept: int) -> None:
    found = seen("x" + "\u0335" * marks + "y" + "\u0335" * 2)
    assert (found.count("\u0335"), found[0], found[kept + 1]) == (kept + 2, "x", "y")
    assert seen("\u200b" + "x" + "\u0335" * marks).count("\u0335") == kept
    assert seen("\u200b" + "\u0335" * marks).count("\u0335") == kept, "also on none"


@pytest.mark.parametrize("text", ["a", "é", "a\tb", "a\nb"])
def test_what_is_clean_stays(text: str) -> None:
    assert seen(text) == lines(text) == text
    assert has_invisible("a\x07") and has_invisible("a\u200b") and not has_invisible("aé")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("©\ufe0f", "©\ufe0f"), ("¨\ufe0f", "¨"), ("㋿\ufe0f", "㋿\ufe0f"), ("3\ufe0f", "3\ufe0f"), ("#\ufe0f", "#\ufe0f"), ("x\ufe0f", "x"), ("¦\ufe0f", "¦"), ("㌀\ufe0f", "㌀"),
        ("🀀\ufe0f", "🀀\ufe0f"), ("\U0001faff\ufe0f", "\U0001faff\ufe0f"), ("一\ufe00", "一\ufe00"), ("❤\ufe0f\u200d🔥", "❤\ufe0f\u200d🔥"),
        ("❤\u200da", "❤a"), ("a\u200d❤", "a❤"), ("❤\u200c❤", "❤❤"), ("م\u200ca", "مa"), ("a\u200cم", "aم"), ("م\u200cم", "م\u200cم"),
        ("🏴\U000e0067\U000e007f", "🏴\U000e0067\U000e007f"), ("🏳\U000e0067", "🏳"), ("一\U000e01ef", "一\U000e01ef"), ("x\U000e01ef", "x"),
        ("\u200dم", "م"), ("م\u200d", "م"), ("\u180bx", "x"),
        ("ᠠ\u180f", "ᠠ\u180f"), ("\u18aa\u180b", "\u18aa\u180b"), ("\u18ab\u180b", "\u18ab"), ("\u181f\u180b", "\u181f"),
        ("🏴\U000e0020\U000e0067", "🏴\U000e0020\U000e0067"), ("🏴\U000e007e\U000e007f", "🏴\U000e007e\U000e007f"),
        ("🏴\U000e007f\U000e0067", "🏴\U000e007f"), ("\U0001fb00\ufe0f", "\U0001fb00"), ("\u0600\u200d\u086f", "\u0600\u200d\u086f"),
        ("\u05ff\u200dم", "\u05ffم"), ("م\u200d\u0870", "م\u0870"), ("⺀\ufe00", "⺀\ufe00"), ("\u2e7f\ufe00", "\u2e7f"),
    ],
)  # fmt: skip
def test_invisible_characters_stay_between_the_right_neighbours_alone(text: str, found: str) -> None:
    assert seen(text) == found


def test_how_long_an_address_is() -> None:
    domain = ".".join(["d" * 60] * 4)
    for local, taken in (("x" * 10, True), ("x" * 11, False)):
        address = f"{local}@{domain[:243]}"
        assert (len(address) <= 254) is taken and email_addresses.is_email(address) is taken
    assert email_addresses.key("x" * 300) == "x" * 254


def test_what_is_wrong_with_an_address_is_a_clause_of_one_sentence() -> None:
    found = email_addresses.checked("email", "a@@b")
    assert isinstance(found, FieldError) and found.message == (
        "must be an e-mail address, such as ada@example.org: the part after the @-sign contains invalid characters: '@'"
    )


# --- readers ---


@pytest.mark.parametrize(
    ("text", "least", "most", "wrong"),
    [
        ("1", 1, 100, None), ("0", 1, 100, ("below-minimum", {"minimum": "1"})), ("100", 1, 100, None),
        ("101", 1, 100, ("above-maximum", {"maximum": "100"})), ("-5", -5, 0, None), ("-6", -5, 0, ("below-minimum", {"minimum": "-5"})),
    ],
)  # fmt: skip
def test_bounds_of_an_integer(text: str, least: int, most: int, wrong: Any) -> None:
    assert refusal(readers.integer, "n", text, least, most) == wrong


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("9223372036854775807", True), ("9223372036854775808", False), ("-9223372036854775808", True), ("-9223372036854775809", False),
    ],
)  # fmt: skip
def test_an_integer_is_one_that_postgresql_holds(text: str, taken: bool) -> None:
    assert (refusal(readers.integer, "n", text) is None) is taken


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("1" * 40, True), ("1" * 41, False), ("1." + "1" * 39, True), ("1." + "1" * 40, False), ("-" + "1" * 40, True),
        ("11." + "1" * 39, True), ("111." + "1" * 39, False), ("-1." + "1" * 39, True), ("-11." + "1" * 39, False),
    ],
)  # fmt: skip
def test_how_long_a_number_is(text: str, taken: bool) -> None:
    assert (refusal(readers.decimal, "n", text) is None) is taken


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("90,180", True), ("-90,-180", True), ("90.001,0", False), ("-90.001,0", False), ("0,180.001", False), ("0,-180.001", False),
        ("91,0", False), ("0,181", False), ("1." + "0" * 38 + ",0", True), ("1." + "0" * 39 + ",0", False), ("0,1." + "0" * 39, False), ("0", False), ("0,0,0", False),
    ],
)  # fmt: skip
def test_how_far_the_earth_goes(text: str, taken: bool) -> None:
    assert (refusal(readers.position, "near", text) is None) is taken
    if taken:
        assert readers.position("near", text) == tuple(float(part) for part in text.split(","))


def test_a_day_comes_back() -> None:
    assert (
        readers.day("d", "2028-02-29") == date(2028, 2, 29)
        and readers.is_day("2028-02-29")
        and not readers.is_day("2026-02-29")
    )


def test_a_fraction_of_a_second_is_kept_to_the_microsecond() -> None:
    for text, kept in (("1", 100_000), ("123456", 123_456), ("123456999", 123_456)):
        assert readers.instant("at", f"2026-05-01T08:00:00.{text}Z").microsecond == kept


# --- cursors ---


def test_how_long_a_cursor_is() -> None:
    assert MAX_CURSOR == 1024
    longest = encode("s", "x" * 762)
    assert len(longest) == 1024 and decode(longest, "s", str) == ("x" * 762,)
    with pytest.raises(Invalid):
        decode(encode("s", "x" * 763), "s", str)
    assert len(opened("A" * 1024)) == 768
    with pytest.raises(ValueError, match="longer"):
        opened("A" * 1025)


@pytest.mark.parametrize(
    ("value", "kind", "taken"),
    [
        (2**31 - 1, Int4, True), (2**31, Int4, False), (-(2**31), Int4, True), (-(2**31) - 1, Int4, False), (2**63 - 1, int, True),
        (2**63, int, False), (-(2**63), int, True), (1.5, float, True), (float("inf"), float, False), (-float("inf"), float, False), (0.0, float, True),
        (None, int | None, True), ("a\x00", str, False), ("", str, True), (5, Decimal, False), (None, Decimal, False),
    ],
)  # fmt: skip
def test_what_a_part_of_a_cursor_holds(value: Any, kind: Any, taken: bool) -> None:
    packed = encode("s", value) if not isinstance(value, int) or -(2**63) <= value < 2**64 else ""
    if taken:
        assert decode(packed, "s", kind) == (value,)
    else:
        assert refusal(decode, packed, "s", kind) == ("bad-cursor", {})


@pytest.mark.parametrize("types", [(), (int, int)])
def test_a_cursor_has_as_many_parts_as_the_key(types: tuple[Any, ...]) -> None:
    assert refusal(decode, encode("s", 1), "s", *types) == ("bad-cursor", {})
    assert decode(encode("s"), "s") == () and msgspec.msgpack.decode(opened(encode("s", 1))) == ["s", 1]


# --- distances ---


@pytest.mark.parametrize(
    ("here", "there", "degrees"),
    [
        ((0, 0), (0, 90), 90), ((0, 0), (0, 180), 180), ((90, 0), (-90, 0), 180), ((0, 0), (90, 7), 90), ((10, 20), (10, 20), 0),
        ((0, -179), (0, 179), 2), ((60, 0), (60, 180), 60), ((45, 0), (46, 0), 1), ((-45, 10), (-46, 10), 1),
    ],
)  # fmt: skip
def test_distances_along_great_circles(here: tuple[float, float], there: tuple[float, float], degrees: float) -> None:
    expected = degrees * 3.141592653589793 * 6371.0088 / 180
    assert distance_km(*here, *there) == pytest.approx(expected, rel=1e-9, abs=1e-6)
    assert RADIUS_KM == 6371.0088


@pytest.mark.parametrize(
    ("at", "radius", "box"),
    [
        ((0, 0), 111.19508, (-1, 1, -1, 1)), ((60, 0), 111.19508, (59, 61, -2.000304, 2.000304)), ((0, 179.5), 111.19508, (-1, 1, -180, 180)), ((0, 178.5), 111.19508, (-1, 1, 177.5, 179.5)),
        ((0, -179.5), 111.19508, (-1, 1, -180, 180)), ((89.5, 10), 111.19508, (88.5, 90, -180, 180)),
        ((-89.5, 10), 111.19508, (-90, -88.5, -180, 180)), ((0, 0), 9000, (-80.9389, 80.9389, -80.9389, 80.9389)), ((-88.5, 10), 111.19508, (-89.5, -87.5, -31.814, 51.814)),
        ((88.5, 10), 111.19508, (87.5, 89.5, -31.814, 51.814)), ((0, 0), 30000, (-90, 90, -180, 180)),
    ],
)  # fmt: skip
def test_boxes_round_a_point(at: tuple[float, float], radius: float, box: tuple[float, ...]) -> None:
    found = box_around(*at, radius)
    assert (found.south, found.north, found.west, found.east) == pytest.approx(box, abs=1e-3)


# --- errors ---


def test_what_errors_say_unless_they_are_told() -> None:
    assert (
        TooMany().retry_after,
        Unavailable("x").retry_after,
        TooMany("x", 7).retry_after,
        Unavailable("x", 8).retry_after,
        Overloaded("x").retry_after,
    ) == (1, 2, 7, 8, 2)
    assert MAX_RANGES == 20
    assert (NotFound().detail, NotFound("gone").detail, str(NotFound())) == (
        "",
        "gone",
        "NotFound",
    )
    assert (MarketError("x").errors, Invalid.of("f", "m", "taken").errors) == (
        (),
        (FieldError("f", "m", code="taken"),),
    )
    assert (Unavailable("x").detail, Unavailable("x").shown) == ("x", "")

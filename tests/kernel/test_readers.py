"""The readers of text: each takes the documented form in ASCII, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harvestd.kernel import readers
from harvestd.kernel.errors import Invalid

ID = "0197f0a0-7c1e-7abc-8def-0123456789ab"
#: Each reader: what it takes, written a second time without the reader's own pattern; and examples of it.
FORMS: dict[str, tuple[Callable[[str, str], Any], Callable[[str], bool], tuple[str, ...]]] = {
    "integer": (
        readers.integer,
        lambda t: bool(re.fullmatch("-?(0|[1-9][0-9]{0,18})", t)) and -(2**63) <= int(t) < 2**63,
        ("0", "-0", "20", "9223372036854775807", "-9223372036854775808"),
    ),
    "decimal": (
        readers.decimal,
        lambda t: bool(re.fullmatch(r"-?(0|[1-9][0-9]{0,39})(\.[0-9]{1,39})?", t)) and len(t) <= 42,
        ("0", "1.250", "-0.5", "0.001", "12345678901234567890.5"),
    ),
    "boolean": (readers.boolean, lambda t: t in ("true", "false"), ("true", "false")),
    "day": (readers.day, lambda t: _is_day(t), ("2026-05-01", "2000-02-29", "0001-01-01", "9999-12-31")),
    "instant": (
        readers.instant,
        lambda t: _is_instant(t),
        ("2026-05-01T08:00:00Z", "2026-05-01T08:00:00.123456789+02:00", "2026-05-01T23:59:59-11:30"),
    ),
    "id": (
        readers.id,
        lambda t: bool(re.fullmatch("[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}", t)),
        (ID, ID.upper()),
    ),
    "position": (readers.position, lambda t: _is_position(t), ("48.85,2.35", "-90,180", "0,-0.5")),
}
#: What Python's own constructors, or a careless pattern, would take.
ODD = (
    "١", "１２", "1_000", " 2", "2 ", "2\n", "\n2", "+2", "02", "-", "", "1e0", "1E5", "2e1", "20.", ".5", "0x10", "NaN", "nan",
    "Infinity", "-inf", "²", "½", "1,5", "TRUE", "True", "1", "yes", "true\n", " true", "t", "2026-5-1", "20260501", "2026-W18-5",
    "2026-05-01\n", "２０２６-05-01", "2026-02-30", "0000-01-01", "2026-05-01T08:00:00", "2026-05-01 08:00:00Z",
    "2026-05-01T08:00:00z", "2026-05-01T24:00:01Z", "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", "1700000000",
    "2026-05-01T08:00:00Z\n", "{" + ID + "}", "urn:uuid:" + ID, ID.replace("-", ""), ID + "\n", " " + ID, ID.replace("0", "٠"),
    "1_0,2_0", "1e1,2", "1,2\n", "1, 2", "1,2,3", "91,0", "0,181", "nan,nan", "1", ",", "١,٢", "\x00", "\ud800", "9" * 5000,
)  # fmt: skip


def _is_day(text: str) -> bool:
    if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return False
    try:
        date(*map(int, text.split("-")))
    except ValueError:
        return False
    return True


def _is_instant(text: str) -> bool:
    if not re.fullmatch(r"[0-9-]{10}T[0-9:]{8}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})", text) or not _is_day(
        text[:10]
    ):
        return False
    clock = re.fullmatch("(..):(..):(..)", text[11:19])
    offset = re.search("(..):(..)$", text[19:])
    if not clock or int(clock[1]) > 23 or int(clock[2]) > 59 or int(clock[3]) > 59:
        return False
    if offset and (int(offset[1]) > 23 or int(offset[2]) > 59):
        return False
    return text[:4] not in ("0001", "9999") or not offset


def _is_position(text: str) -> bool:
    found = re.fullmatch(r"(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?),(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?)", text)
    return bool(found) and abs(float(found[1])) <= 90 and abs(float(found[2])) <= 180 if found else False


def taken(reader: Callable[[str, str], Any], text: str) -> bool:
    try:
        reader("some.field", text)
    except Invalid as refused:
        assert [error.field for error in refused.errors] == ["some.field"]
        assert refused.errors[0].code != "invalid"
        return False
    return True


@pytest.mark.parametrize("name", FORMS)
def test_a_reader_takes_its_documented_form_and_no_odd_one(name: str) -> None:
    reader, documented, examples = FORMS[name]
    assert [text for text in examples if not taken(reader, text)] == []
    assert [text for text in ODD if taken(reader, text) != documented(text)] == []


@settings(max_examples=500, deadline=None)
@given(name=st.sampled_from(sorted(FORMS)), data=st.data())
def test_a_reader_takes_a_text_if_and_only_if_it_is_of_the_documented_form(name: str, data: st.DataObject) -> None:
    reader, documented, examples = FORMS[name]
    near = st.sampled_from(examples).flatmap(
        lambda text: st.tuples(st.just(text), st.integers(0, len(text)), st.integers(0, 2), st.text(max_size=2))
    )
    text = data.draw(
        st.text(max_size=40)
        | st.from_regex(r"[-+0-9.:TZ,e_ ]{0,40}")
        | near.map(lambda n: n[0][: n[1]] + n[3] + n[0][n[1] + n[2] :])
    )
    assert taken(reader, text) is documented(text)


@settings(deadline=None)
@given(st.integers(-(2**63), 2**63 - 1))
def test_an_integer_comes_back(number: int) -> None:
    assert readers.integer("n", str(number)) == number


def test_an_integer_out_of_bounds_says_the_bound() -> None:
    for text, code, params in (("0", "below-minimum", {"minimum": "1"}), ("101", "above-maximum", {"maximum": "100"})):
        with pytest.raises(Invalid) as refused:
            readers.integer("limit", text, 1, 100)
        assert (refused.value.errors[0].code, refused.value.errors[0].params) == (code, params)


@example(Decimal("-0.000"))
@settings(deadline=None)
@given(st.decimals(-(10**9), 10**9, places=3))
def test_a_decimal_comes_back_and_zero_is_never_negative(number: Decimal) -> None:
    found = readers.decimal("n", str(number))
    assert found == number
    assert found or not found.is_signed()


@settings(deadline=None)
@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)))
def test_an_instant_comes_back(at: datetime) -> None:
    assert readers.instant("at", at.isoformat()) == at
    assert readers.instant("at", at.isoformat().replace("+00:00", "Z")) == at


@settings(deadline=None)
@given(st.uuids())
def test_an_id_in_capitals_is_the_same_id(one: Any) -> None:
    assert readers.id("id", str(one).upper()) == str(one) == readers.token(str(one).upper())
    assert readers.token("Green-Acres") == "Green-Acres"


def test_a_yearly_day_is_one_that_some_year_has() -> None:
    assert [d for d in ("02-29", "12-31", "02-30", "13-01", "5-1", "05-01\n", "٠٥-٠١") if readers.is_yearly_day(d)] == [
        "02-29",
        "12-31",
    ]


def test_a_boolean_is_what_it_says() -> None:
    assert readers.boolean("everywhere", "true") is True
    assert readers.boolean("everywhere", "false") is False


def test_a_radius_goes_with_its_middle() -> None:
    assert readers.middle("52.5,13.4", None) == readers.middle("52.5,13.4", 5.0) == (52.5, 13.4)
    assert readers.middle(None, None) is None
    with pytest.raises(Invalid, match="goes with near"):
        readers.middle(None, 5.0)

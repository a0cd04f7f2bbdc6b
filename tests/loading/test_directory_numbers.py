"""Numbers of the farmers market directory are ASCII digits, as all others are; and its texts are no longer than others."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

import pytest

import harvestd.loading.demo
from harvestd.loading.usda.reading import BadRow, Market, NotTheDirectory, read
from harvestd.market.farms.rules import MAX_ADDRESS, TEXTS

FILE = next(Path(harvestd.loading.demo.__path__[0]).glob("*.csv"))


def _with(column: str, value: str) -> Market | BadRow:
    """The first row of the demo's file, with another value in one column."""
    header, row = list(csv.reader(StringIO(FILE.read_text("utf-8-sig"))))[:2]
    row[header.index(column)] = value
    out = StringIO()
    csv.writer(out).writerows([header, row])
    return next(iter(read(out.getvalue().encode())))


@pytest.mark.parametrize("value", ["-72.25", "0", "45.0000001"])
def test_degrees_are_read(value: str) -> None:
    market = _with("y", value)
    assert isinstance(market, Market) and market.latitude == float(value)


@pytest.mark.parametrize("column", ["FMID", "x", "y"])
@pytest.mark.parametrize("value", ["٣", "３", "²", "1_0", "+3", "1e1", "3.", ".5", "−3", "nan", "inf", "9" * 5000])
def test_what_is_no_number_in_ascii_digits_is_a_bad_row(column: str, value: str) -> None:
    assert isinstance(_with(column, value), BadRow)


def test_a_farm_has_no_longer_texts_than_its_people_may_send() -> None:
    market = _with("city", "a very long street " * 1000)
    assert isinstance(market, Market)
    assert MAX_ADDRESS - 1 <= len(market.address) <= MAX_ADDRESS
    assert len(market.description) <= TEXTS["description"].longest
    assert market.address == market.address.strip() and market.description == market.description.strip()


HEADER, ROW = FILE.read_text("utf-8-sig").splitlines()[:2]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (f"{HEADER}\n{ROW}\n".encode("utf-16"), "UTF-16"),
        (f"{HEADER}\n{ROW}\n".encode("utf-16-be"), "UTF-16"),
        (f"{HEADER}\n{ROW}\n".encode("utf-16-le"), "UTF-16"),
        (f"{HEADER},MarketName\n{ROW},Other\n".encode(), "more than one column MarketName"),
        (f"{HEADER},note,note\n{ROW},a,b\n".encode(), "more than one column note"),
    ],
)
def test_what_is_not_the_directory_is_told_by_what_it_is(content: bytes, why: str) -> None:
    with pytest.raises(NotTheDirectory, match=why):
        list(read(content))


@pytest.mark.parametrize("field", ["x" * 140_000, '"' + "x" * 140_000 + '"', '"' + ("x" * 9_000 + "\n") * 20 + '"'])
def test_a_field_that_is_too_long_is_called_that(field: str) -> None:
    first, *_ = read(f"{HEADER}\n{field},{ROW.partition(',')[2]}\n".encode())
    assert isinstance(first, BadRow) and "more than 131,072 characters" in first.why

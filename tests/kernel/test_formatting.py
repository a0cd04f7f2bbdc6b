"""Money, quantities, days and times are said as people write them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvestd.kernel.formatting import day, moment, money, quantity, season, season_day
from harvestd.kernel.told_values import Duration, Size
from harvestd.kernel.units import Unit


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [(1250, "EUR", "€12.50"), (1300, "JPY", "¥1,300"), (1250, "KWD", "KWD 1.250"), (0, "EUR", "€0.00"), (5, "USD", "$0.05"),
     (-250, "EUR", "-€2.50"), (125_000, "CHF", "CHF 1,250.00"), (10**10, "GBP", "£100,000,000.00")],
)  # fmt: skip
def test_money_has_the_digits_of_its_currency(amount: int, currency: str, said: str) -> None:
    assert money(amount, currency) == said


def test_a_locale_says_it_its_own_way() -> None:
    assert money(125_050, "EUR", "de") == "1.250,50 €"
    assert money(1250, "KWD", "de") == "1,250 KWD"
    assert quantity(Decimal("1.250"), "kg", "de") == "1,25 kg"
    assert day(date(2026, 5, 9), "de") == "09.05.2026"


def test_no_break_spaces_of_french_and_spanish_are_plain_ones() -> None:
    """As everywhere: mails and logs may garble them."""
    assert (money(125_050, "EUR", "fr"), money(125_050, "EUR", "es")) == ("1 250,50 €", "1.250,50 €")
    assert (money(1300, "JPY", "fr"), money(1250, "KWD", "es")) == ("1 300 JPY", "1,250 KWD")
    assert (quantity(Decimal("1250.5"), "g", "fr"), quantity(Decimal("1.5"), "litre", "es")) == ("1 250,5 g", "1,5 l")
    assert (day(date(2026, 5, 9), "fr"), day(date(2026, 5, 9), "es")) == ("9 mai 2026", "9 may 2026")
    assert (season_day("05-01", "fr"), season_day("05-01", "es")) == ("1 mai", "1 de mayo")
    assert moment(datetime(2026, 5, 9, 14, 5, tzinfo=UTC), UTC, "fr") == "9 mai 2026, 14:05"


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [("250.000", "g", "250 g"), ("1.000", "each", "1"), ("1.250", "kg", "1.25 kg"), ("0.002", "kg", "0.002 kg"), ("100", "g", "100 g"),
     ("1", "bunch", "1 bunch"), ("2.000", "bunch", "2 bunches"), ("3", "box", "3 boxes"), ("1.5", "litre", "1.5 L"), ("1200", "each", "1,200"),
     ("0.000", "kg", "0 kg"), ("2", "lb", "2 lb")],
)  # fmt: skip
def test_quantities_have_no_idle_zeros(value: str, unit: str, said: str) -> None:
    assert quantity(Decimal(value), unit) == said


@given(st.decimals("0.001", "9999999.999", places=3), st.sampled_from(get_args(Unit)))
def test_every_unit_can_be_said(value: Decimal, unit: str) -> None:
    said = quantity(value, unit)
    assert Decimal(said.split()[0].replace(",", "")) == value and said == said.strip()


def test_days_and_times_are_the_market_s() -> None:
    assert day(date(2026, 5, 9)) == "May 9, 2026"
    assert moment(datetime(2026, 5, 9, 22, 30, tzinfo=UTC), ZoneInfo("Europe/Paris")) == "May 10, 2026, 12:30 AM"
    assert season("05-01", "10-31") == "May 1 to October 31"
    assert season("2026-05-01", "2026-06-30") == "May 1, 2026 to Jun 30, 2026"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 seconds"), (0.2, "1 second"), (45, "45 seconds"), (60, "1 minute"), (90, "90 seconds"), (120, "2 minutes"), (121, "3 minutes"),
     (864, "15 minutes"), (3600, "1 hour"), (3601, "1 hour and 1 minute"), (86_399, "24 hours"), (86_400, "24 hours"), (90_001, "26 hours")],
)  # fmt: skip
def test_a_length_of_time_has_no_more_than_120_seconds_and_is_never_too_short(seconds: float, said: str) -> None:
    assert Duration(seconds).said() == said


def test_a_length_of_time_is_told_in_each_language() -> None:
    told = [Duration(3720).said(tag) for tag in ("de", "fr", "es")]
    assert told == ["1 Stunde und 2 Minuten", "1 heure et 2 minutes", "1 hora y 2 minutos"]


@pytest.mark.parametrize(
    ("size", "english", "french"),
    [(0, "0 bytes", "0 octet"), (1, "1 byte", "1 octet"), (999, "999 bytes", "999 octets"), (1000, "1 kB", "1 ko"), (65_536, "65.536 kB", "65,536 ko"),
     (1_048_576, "1.048 MB", "1,048 Mo"), (10_000_000, "10 MB", "10 Mo"), (2_500_000_000, "2.5 GB", "2,5 Go")],
)  # fmt: skip
def test_a_size_is_told_as_people_say_it_and_never_as_more_than_it_is(size: int, english: str, french: str) -> None:
    assert (str(Size(size)), Size(size).said("fr")) == (english, french)

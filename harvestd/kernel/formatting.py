"""Money, quantities, days and times formatted for people, by CLDR (Babel). Programs get numbers and codes instead.

``locale`` is one of Babel's, such as ``de`` or ``en_GB``; the default is English.
"""

from __future__ import annotations

from datetime import date, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache

from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import format_currency, format_decimal, get_currency_precision
from babel.units import format_unit

LOCALE = "en"

#: Units of weight and volume, by their CLDR names.
_MEASURES = {
    "kg": "mass-kilogram", "g": "mass-gram", "lb": "mass-pound", "oz": "mass-ounce", "litre": "volume-liter",
    "ml": "volume-milliliter",
}  # fmt: skip
#: Counted units: singular and plural, in English. ``each`` needs no word.
COUNTED = {
    "each": ("", ""), "bunch": ("bunch", "bunches"), "box": ("box", "boxes"), "dozen": ("dozen", "dozen"), "jar": ("jar", "jars"),
    "punnet": ("punnet", "punnets"), "crate": ("crate", "crates"), "head": ("head", "heads"),
}  # fmt: skip


@lru_cache(maxsize=4096)
def money(amount: int, currency: str, locale: str = LOCALE) -> str:
    """``amount`` in minor units, with as many digits as the currency has: ``€12.50``, ``¥1,300``, ``KWD 1.250``."""
    value = Decimal(amount).scaleb(-get_currency_precision(currency))
    text = plain(format_currency(value, currency, locale=locale))
    before = currency in text and not text.endswith(
        currency
    )  # a currency code before digits is spaced (CLDR, currencySpacing)
    return text.replace(currency, f"{currency} ").replace("  ", " ") if before else text


@lru_cache(maxsize=4096)
def quantity(value: Decimal, unit: str, locale: str = LOCALE) -> str:
    """``1.25 kg``, ``250 g``, ``2 bunches``; pieces are a bare number. No trailing zeros."""
    measure = _MEASURES.get(unit)
    if measure is not None:
        return plain(format_unit(value.normalize(), measure, length="short", format="#,##0.###", locale=locale))
    word = COUNTED.get(unit, (unit, unit))[value != 1]
    return f"{number(value, locale)} {word}".rstrip()


def price(amount: int, currency: str, per: Decimal, unit: str, locale: str = LOCALE, *, full: bool = False) -> str:
    """A price, with its quantity if that is not one unit, or if ``full``: ``€4.80``, ``€6.40 per 1,000 g``, ``€4.80 per 1 kg``."""
    text = money(amount, currency, locale)
    if per == 1 and (not full or unit == "each"):
        return f"{text} each" if full else text
    return f"{text} per {quantity(per, unit, locale)}"


def number(value: Decimal, locale: str = LOCALE) -> str:
    """At most three decimals: ``1,250.5``."""
    return plain(format_decimal(value.normalize(), format="#,##0.###", locale=locale))


def days(count: int, locale: str = LOCALE) -> str:
    """A length of time: ``1 day``, ``7 days``."""
    return length(count, "day", locale)


def length(count: int, unit: str, locale: str) -> str:
    return plain(format_unit(count, f"duration-{unit}", length="long", locale=locale))


def day(value: date, locale: str = LOCALE) -> str:
    """``May 9, 2026``."""
    return plain(format_date(value, "medium", locale=locale))


def moment(value: datetime, zone: tzinfo, locale: str = LOCALE) -> str:
    """A time in the market's zone: ``May 9, 2026, 2:00 PM``."""
    there = value.astimezone(zone)
    return f"{day(there, locale)}, {plain(format_time(there, 'short', locale=locale))}"


def season(first: str, last: str, locale: str = LOCALE) -> str:
    """The days of a season, ``MM-DD`` (every year) or ``YYYY-MM-DD``: ``May 1 to October 31``."""
    return f"{season_day(first, locale)} to {season_day(last, locale)}"


def season_day(text: str, locale: str = LOCALE) -> str:
    """A day of a season, in the forms that :func:`season` takes."""
    yearly = len(text) == 5
    value = date.fromisoformat(f"2000-{text}" if yearly else text)  # a leap year has every day
    return plain(format_skeleton("MMMMd", value, locale=locale)) if yearly else day(value, locale)


def plain(text: str) -> str:
    """The text with plain spaces: mails and logs may garble no-break spaces."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")

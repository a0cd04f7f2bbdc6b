"""Values that each language tells in its own way: a length of time, a size, a time, an amount of money, a number. A sentence keeps them as they are until its language is
known (``sentences.py``); as plain strings they are English."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime, tzinfo
from decimal import ROUND_DOWN, Decimal
from math import ceil

import attrs
from babel.lists import format_list
from babel.units import format_unit

from harvestd.kernel.formatting import LOCALE, length, moment, money, number, plain

#: Durations are told in seconds up to so many, and without minutes from so many hours on.
SECONDS_TOLD, HOURS_TOLD = 120, 24
#: Units of bytes, by their power of ten.
_DIGITAL = {3: "digital-kilobyte", 6: "digital-megabyte", 9: "digital-gigabyte"}


class Told(ABC):
    """Such a value."""

    @abstractmethod
    def said(self, locale: str = LOCALE) -> str:
        """It for people who read this language."""

    def __str__(self) -> str:
        return self.said()


@attrs.frozen
class Duration(Told):
    """A length of time in seconds, told as people say it: in seconds up to two minutes, in minutes up to an hour, then in hours and minutes,
    from a day on in hours. Rounded up, so that nobody who waits for it is early."""

    seconds: float

    def said(self, locale: str = LOCALE) -> str:
        """``45 seconds``, ``1 minute``, ``15 minutes``, ``2 hours and 5 minutes``."""
        seconds = max(0, ceil(self.seconds))
        if seconds <= SECONDS_TOLD and (seconds % 60 or not seconds):
            return length(seconds, "second", locale)
        hours, minutes = divmod(-(-seconds // 60), 60)
        if hours >= HOURS_TOLD and minutes:
            hours, minutes = hours + 1, 0
        told = [length(count, unit, locale) for count, unit in ((hours, "hour"), (minutes, "minute")) if count]
        return plain(format_list(told, locale=locale))


@attrs.frozen
class Size(Told):
    """A number of bytes, told as people say it, in steps of a thousand: ``10 MB``, ``65.536 kB``, ``500 bytes``. Rounded down to three decimals,
    so that what is said to be possible is."""

    bytes: int

    def said(self, locale: str = LOCALE) -> str:
        """With its unit, by the locale."""
        power = next((power for power in (9, 6, 3) if self.bytes >= 10**power), 0)
        if not power:
            return plain(format_unit(self.bytes, "digital-byte", length="long", locale=locale))
        value = Decimal(self.bytes).scaleb(-power).quantize(Decimal("0.001"), ROUND_DOWN)
        return plain(format_unit(value.normalize(), _DIGITAL[power], length="short", format="#,##0.###", locale=locale))


@attrs.frozen
class Moment(Told):
    """A time in a zone, told as people say it: ``May 9, 2026, 2:00 PM``."""

    at: datetime
    zone: tzinfo

    def said(self, locale: str = LOCALE) -> str:
        """Day and time, by the locale."""
        return moment(self.at, self.zone, locale)


@attrs.frozen
class Amount(Told):
    """An amount of money, in minor units of its currency."""

    minor: int
    currency: str

    def said(self, locale: str = LOCALE) -> str:
        """``€12.50``."""
        return money(self.minor, self.currency, locale)


@attrs.frozen
class Count(Told):
    """A whole number with its separators."""

    count: int

    def said(self, locale: str = LOCALE) -> str:
        """``10,000``."""
        return number(Decimal(self.count), locale)

"""The only parsers of values sent as text: numbers, booleans, days, times, ids, positions, bytes.

Each reader accepts exactly the documented format, in ASCII: no other digits, no spaces, no ``_``, no trailing line feed.
Python's own constructors accept more (``int("١")``, ``Decimal("1_0")``, ``float("nan")``, ``UUID("urn:uuid:…")``), and ``$`` in a
pattern lets a line feed pass; so nothing else parses user input.
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, date, datetime
from decimal import Decimal

from harvestd.kernel.errors import Invalid

#: The range of PostgreSQL's bigint.
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1
#: Maximum digits of a number; no real value has more.
DIGITS = 40
#: Maximum ids in one parameter.
MAX_IDS = 100

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,39})(?:\.[0-9]{1,39})?")
_DAY = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])")
_YEARLY_DAY = re.compile(r"(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_FRACTION = re.compile(r"(?<=\.[0-9]{6})[0-9]+")
_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def is_utf8(text: str) -> bool:
    """Whether text from the system (an environment variable, a command-line argument) was UTF-8: Python keeps other bytes as lone
    surrogates, which no file, database or page accepts."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def integer(field: str, text: str, least: int = MIN_INTEGER, most: int = MAX_INTEGER) -> int:
    """``-12``: digits, no ``+``, no leading zero, from ``least`` to ``most``; raises :class:`Invalid` naming ``field``."""
    if not _INTEGER.fullmatch(text):
        raise Invalid.of(field, "must be a whole number in digits, such as 20", "not-a-number", example="20")
    return within(field, int(text), least, most)


def within(field: str, value: int, least: int, most: int) -> int:
    """``value`` if from ``least`` to ``most``; otherwise raises :class:`Invalid` naming ``field``."""
    if value < least:
        raise Invalid.of(field, f"must be {least} or more", "below-minimum", minimum=str(least))
    if value > most:
        raise Invalid.of(field, f"must be {most} or less", "above-maximum", maximum=str(most))
    return value


def decimal(field: str, text: str) -> Decimal:
    """``-12.50``: digits, optionally a point and more digits, no exponent; zero is never negative.

    Raises :class:`Invalid` naming ``field``; the field itself checks places and range.
    """
    if len(text) > DIGITS + 2 or not _DECIMAL.fullmatch(text):
        raise Invalid.of(field, "must be a number in digits, such as 1.25", "not-a-number", example="1.25")
    value = Decimal(text)
    return value if value else value.copy_abs()


def decimal_or_none(text: str) -> Decimal | None:
    """The result of :func:`decimal`, or None if it raises."""
    try:
        return decimal("", text)
    except Invalid:
        return None


def boolean(field: str, text: str) -> bool:
    """``true`` or ``false``; raises :class:`Invalid` naming ``field``."""
    if text not in ("true", "false"):
        raise Invalid.of(field, "must be true or false", "not-one-of", allowed="true, false")
    return text == "true"


def is_day(text: str) -> bool:
    """Whether it is ``YYYY-MM-DD``, an existing day."""
    return _DAY.fullmatch(text) is not None and _calendar(text) is not None


def day(field: str, text: str) -> date:
    """``2026-05-01``, an existing day; raises :class:`Invalid` naming ``field``."""
    found = _calendar(text) if _DAY.fullmatch(text) else None
    if found is None:
        raise Invalid.of(field, "must be a day such as 2026-05-01", "not-a-date", example="2026-05-01")
    return found


def is_yearly_day(text: str) -> bool:
    """Whether it is ``MM-DD``, a day that exists in some year (``02-29`` does)."""
    return _YEARLY_DAY.fullmatch(text) is not None and _calendar(f"2000-{text}") is not None


def instant(field: str, text: str) -> datetime:
    """``2026-05-01T08:00:00Z`` (RFC 3339, with ``Z`` or an offset), in UTC to the microsecond; raises :class:`Invalid`
    naming ``field``."""
    if _INSTANT.fullmatch(text):
        try:
            return datetime.fromisoformat(_FRACTION.sub("", text)).astimezone(UTC)
        except (ValueError, OverflowError):  # the 30th of February; the year 0, or 10000 in UTC
            pass
    message = "must be a day and a time with its zone, such as 2026-05-01T08:00:00Z"
    raise Invalid.of(field, message, "not-a-date", reason="time", example="2026-05-01T08:00:00Z")


def instant_or_none(text: str) -> datetime | None:
    """The time that it is in the form of :func:`instant`, or None."""
    try:
        return instant("", text)
    except Invalid:
        return None


def id(field: str, text: str) -> str:
    """A UUID, ``8-4-4-4-12`` hexadecimal digits in either case, returned in lower case, as all ids are stored. Raises
    :class:`Invalid` naming ``field``."""
    found = id_or_none(text)
    if found is None:
        raise Invalid.of(field, "must be an id such as 0197f0a0-7c1e-7abc-8def-0123456789ab", "not-an-id")
    return found


def id_or_none(text: str) -> str | None:
    """The id in lower case; None if it is not an id, for instance a slug."""
    return text.lower() if _ID.fullmatch(text) else None


def ids(field: str, text: str) -> str:
    """Ids separated by commas, at most :data:`MAX_IDS`, each as :func:`id` has it; raises :class:`Invalid` naming ``field``."""
    given = text.split(",", MAX_IDS)
    if len(given) > MAX_IDS:
        raise Invalid.of(
            field, f"must have at most {MAX_IDS} elements", "too-long", maximum=str(MAX_IDS), reason="elements"
        )
    return ",".join(id(field, one) for one in given)


def token(text: str) -> str:
    """For values that may be either: an id in lower case, or anything else (a slug) unchanged."""
    return id_or_none(text) or text


def base64url(text: str, most: int) -> bytes | None:
    """Bytes in base64url without padding, in the one spelling that they have (RFC 4648, 5); None for anything else, for none, and for
    more than ``most``."""
    if not text.isascii() or len(text) > (most * 4 + 2) // 3:
        return None
    try:
        found = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    return found if found and base64url_of(found) == text else None


def base64url_of(value: bytes) -> str:
    """The spelling that :func:`base64url` reads."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def position(field: str, text: str) -> tuple[float, float]:
    """``48.85,2.35``: latitude and longitude in degrees; raises :class:`Invalid` naming ``field``."""
    numbers = text.split(",", 2)
    if len(numbers) != 2 or not all(len(n) <= DIGITS and _DECIMAL.fullmatch(n) for n in numbers):
        raise Invalid.of(field, "must be latitude,longitude in degrees, such as 48.85,2.35", "not-a-position")
    return degrees(field, Decimal(numbers[0]), Decimal(numbers[1]))


def degrees(field: str, latitude: Decimal, longitude: Decimal) -> tuple[float, float]:
    """A valid latitude and longitude; raises :class:`Invalid` naming ``field``."""
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise Invalid.of(field, "must be a latitude from -90 to 90 and a longitude from -180 to 180", "not-a-position")
    return float(latitude), float(longitude)


def _calendar(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:  # the 30th of February, or the year 0
        return None


def middle(near: str | None, radius_km: float | None) -> tuple[float, float] | None:
    """``near`` in degrees; raises :class:`Invalid` for an invalid position, and for a radius without ``near``."""
    if near is None and radius_km is not None:
        raise Invalid.of(
            "radius_km", "goes with near; give near as well, or leave this out", "not-accepted", reason="with-near"
        )
    return None if near is None else position("near", near)

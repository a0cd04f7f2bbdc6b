"""Phone numbers: validation and normalization."""

from __future__ import annotations

from harvestd.kernel.errors import FieldError
from harvestd.kernel.patterns import PHONE, TRUNK

#: Separators that people put between digits.
_BETWEEN = str.maketrans("", "", " -./()")
_LONGEST = 40
#: Countries (Italy, San Marino, the Vatican) whose zero is part of the number, from abroad too.
_ZERO_STAYS = frozenset({"39", "378", "379"})


def phone(field: str, text: str) -> str | FieldError:
    """``+436641234567``, or a national number: 5 to 15 ASCII digits (the maximum of E.164), optionally with a leading ``+``;
    spaces, hyphens, dots, slashes and parentheses are removed, and of ``+49 (0)171 …`` the zero, which is for calls within the country alone
    (ITU-T E.123). Or its error."""
    number = _from_abroad(text).translate(_BETWEEN)
    if len(text) > _LONGEST or not PHONE.fullmatch(number):
        message = "must be a telephone number of 5 to 15 digits, such as +43 664 1234567"
        return FieldError(field, message, code="not-a-phone-number")
    return number


def _from_abroad(text: str) -> str:
    """The text without the zero in parentheses after a country's code."""
    found = TRUNK.match(text)
    if found is None or found[2] in _ZERO_STAYS or len(text) > _LONGEST:
        return text
    return f"{found[1]}{found[2]}{found[3]}{text[found.end() :]}"

"""Phone numbers: validation and normalization."""

from __future__ import annotations

from harvestd.kernel.errors import FieldError
from harvestd.kernel.patterns import PHONE

#: Separators that people put between digits.
_BETWEEN = str.maketrans("", "", " -./()")
_LONGEST = 40


def phone(field: str, text: str) -> str | FieldError:
    """``+436641234567``, or a national number: 5 to 15 ASCII digits (the maximum of E.164), optionally with a leading ``+``;
    spaces, hyphens, dots, slashes and parentheses are removed. Or its error."""
    number = text.translate(_BETWEEN)
    if len(text) > _LONGEST or not PHONE.fullmatch(number):
        message = "must be a telephone number of 5 to 15 digits, such as +43 664 1234567"
        return FieldError(field, message, code="not-a-phone-number")
    return number

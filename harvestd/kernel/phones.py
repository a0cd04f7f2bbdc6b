"""Telephone numbers: what one is, and its one form."""

from __future__ import annotations

from harvestd.kernel.errors import FieldError
from harvestd.kernel.patterns import PHONE

#: What people put between the digits.
_BETWEEN = str.maketrans("", "", " -./()")
_LONGEST = 40


def phone(field: str, text: str) -> str | FieldError:
    """``+436641234567``, or a number as it is dialled within the country: 5 to 15 ASCII digits (the most of E.164), perhaps
    ``+`` before them; blanks, hyphens, dots, slashes and brackets between them are left out. Or what is wrong with it."""
    number = text.translate(_BETWEEN)
    if len(text) > _LONGEST or not PHONE.fullmatch(number):
        message = "must be a telephone number of 5 to 15 digits, such as +43 664 1234567"
        return FieldError(field, message, code="not-a-phone-number")
    return number

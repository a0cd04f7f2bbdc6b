"""Money in request bodies and responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harvestd.kernel import errors, readers
from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import accept
from harvestd.web import sound
from harvestd.web.shapes import Money

#: Maximum amount in minor units; nothing costs as much.
MAX = 10**12


def money(amount: int, currency: str) -> Money:
    """An amount as the contract shows it."""
    return Money(amount, currency)


def minor_units(field: str, value: Money | int, currency: str, most: int = MAX) -> int:
    """The minor units of a body's money object or bare number; raises :class:`Invalid` naming ``field``, or its members."""
    if isinstance(value, int):
        return readers.within(field, value, 0, most)
    accept(*faults(field, {"amount": value.amount, "currency": value.currency}, currency, most))
    return value.amount


def faults(field: str, members: Mapping[str, Any], currency: str, most: int = MAX) -> list[FieldError]:
    """The errors of the given members of a money object."""
    found: list[FieldError] = []
    if members.get("currency", currency) != currency:
        message = f"this market trades in {currency}"
        found.append(FieldError(f"{field}.currency", message, code="other-currency", params={"currency": currency}))
    if "amount" in members:
        found += errors.faults(lambda: readers.within(f"{field}.amount", members["amount"], 0, most))
    return found


def given_faults(field: str, given: Mapping[str, Any], currency: str, most: int = MAX) -> list[FieldError]:
    """The errors of money in a body, as far as it could be read (:mod:`harvestd.web.sound`)."""
    value = given.get(field)
    if isinstance(value, int):
        return errors.faults(lambda: readers.within(field, value, 0, most))
    return faults(field, sound.members(given, field), currency, most)

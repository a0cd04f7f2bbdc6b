"""What the market and its farms charge beside the price of goods."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import attrs
from zope.interface import Interface


@attrs.frozen(kw_only=True)
class Charge:
    """A fee of the market (without ``farm_id``) or of a farm; ``rate`` is that of its tax. ``postcodes`` are those of a delivery area; both days count."""

    id: str
    farm_id: str | None
    name: str
    basis: Literal["order", "farm", "kilogram", "delivery_area"]
    amount: int
    rate: int
    free_from: int | None
    method: str | None
    postcodes: tuple[str, ...] | None
    first: date | None
    last: date | None


@attrs.frozen(kw_only=True)
class TaxRate:
    """The tax of a category and of those below it that have none of their own; without ``category_id`` of all that has none. Thousandths of a per cent."""

    category_id: str | None
    rate: int
    first: date | None
    last: date | None


@attrs.frozen(kw_only=True)
class Charges:
    """All of them, in the order in which they were made, and the category above each that has one."""

    fees: tuple[Charge, ...] = ()
    rates: tuple[TaxRate, ...] = ()
    above: Mapping[str, str] = attrs.field(factory=dict)


class IPricing(Interface):
    """Fees and tax rates. A change is known in every process within a second: the database notifies at the commit."""

    async def now(reader: Any = None) -> Charges:
        """All of them; a ``reader`` (whoever asks in a transaction has one) is asked for what is not known. Raises ``Unavailable`` if that cannot be
        determined."""

    def changed() -> None:
        """Forget what they were in this process, after a change of them here."""

"""What goods take of a window: how heavy they are, and how many crates they fill. Pure.

Weights count as they are, and pieces with an estimated weight by that; a litre counts as a kilogram, since what is sold by volume is mostly water; a piece of unknown weight counts by a
setting. What is sold by the crate fills so many crates, and all else together fills one for each so many kilograms, rounded up once for an order.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_CEILING, Decimal

import attrs

from harvestd.kernel.quantities import GRAMS, ONE
from harvestd.kernel.units import UNITS, Amount
from harvestd.market.days.window_rules import Measures

#: What one of each unit that is no piece is in grams.
_HEAVY: dict[str, Decimal] = {**GRAMS, "litre": GRAMS["kg"], "ml": ONE}
CRATE = "crate"
#: The most that is counted of one line: no window holds more.
MAX_GRAMS = 10**12


@attrs.frozen(kw_only=True)
class Terms:
    """What a piece of unknown weight counts for, and how much fills a crate, both in grams."""

    piece: int
    crate: int


@attrs.frozen(kw_only=True)
class Load:
    """So many grams of a line, and the crates that it is sold by."""

    grams: int
    crates: int = 0


#: What is nothing yet.
NOTHING = Load(grams=0)


def load(quantity: Decimal, unit: str, each: Amount | None, content: Amount | None, terms: Terms) -> Load:
    """The load of a line: a quantity of a unit, of which one has the weight ``each``, if that is known, or holds ``content``, if it is a pack."""
    crates = int(quantity) if unit == CRATE else 0
    return Load(grams=min(MAX_GRAMS, _rounded_up(quantity * _one(unit, each, content, terms))), crates=crates)


def scaled(one: Load, before: Decimal, after: Decimal, unit: str) -> Load:
    """The load of another quantity of the same."""
    grams = _rounded_up(one.grams * after / before) if before else 0
    return Load(grams=min(MAX_GRAMS, grams), crates=int(after) if unit == CRATE else 0)


def _one(unit: str, each: Amount | None, content: Amount | None, terms: Terms) -> Decimal:
    """One of the unit in grams."""
    for amount in (each, content, Amount(ONE, unit)):
        if amount is not None and not UNITS[amount.unit].pieces:
            return amount.quantity * _HEAVY[amount.unit]
    pieces = ONE if content is None else content.quantity
    return pieces * terms.piece


def together(loads: Iterable[Load], terms: Terms) -> Measures:
    """What an order takes with these lines; nothing if it has none."""
    every = [*loads]
    if not every:
        return Measures()
    loose = sum(one.grams for one in every if not one.crates)
    crates = sum(one.crates for one in every) - (-loose // terms.crate)
    return Measures(orders=1, crates=crates, grams=sum(one.grams for one in every))


def _rounded_up(grams: Decimal) -> int:
    return int(grams.to_integral_value(rounding=ROUND_CEILING))

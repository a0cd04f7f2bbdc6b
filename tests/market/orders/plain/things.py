"""What there is in a plain market."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from typing import Any

import attrs

#: What fills a crate, and what a piece of unknown weight counts for, in kilograms.
CRATE, PIECE = Fraction(15), Fraction(1, 2)
#: The statuses of a part of which nothing is owed.
OVER = ("cancelled", "expired")
#: In which a part is still with its farm.
AT_FARM = ("placed", "confirmed", "ready")
PROGRESS = (*AT_FARM, "out_for_delivery", "completed")
STEPS = {
    "placed": ("confirmed", "cancelled"), "confirmed": ("ready", "cancelled"), "ready": ("out_for_delivery", "completed", "cancelled"),
    "out_for_delivery": ("completed", "cancelled"), "completed": (), "cancelled": (), "expired": (),
}  # fmt: skip
TOLERANCE = Fraction(1, 10)


@attrs.define
class Product:
    """What is sold by the kilogram, the piece, the box or the crate; a piece may be priced by its weight, of which each is taken to have ``each``
    kilograms."""

    name: str
    farm: str
    unit: str
    price: int
    step: Fraction
    rate: Fraction
    stock: Fraction
    each: Fraction | None = None
    reserved: Fraction = Fraction(0)

    @property
    def available(self) -> Fraction:
        return self.stock - self.reserved

    @property
    def pieces(self) -> bool:
        return self.unit != "kg"

    def sells(self, quantity: Fraction) -> bool:
        """Whether anybody can order so much of it."""
        return quantity >= self.step and quantity % self.step == 0

    def comes_to(self, quantity: Fraction) -> int:
        return floor(self.price * quantity * (self.each or 1) + Fraction(1, 2))


@attrs.define
class Window:
    """A window, with what it holds of each measure (None: as much as there is) and what is taken: orders, crates, kilograms."""

    name: str
    day: str
    holds: list[Fraction | None]
    taken: list[Fraction] = attrs.field(factory=lambda: [Fraction(0)] * 3)

    def has(self, more: list[Fraction]) -> bool:
        """Whether so much more of it is left; less is always."""
        return all(
            one <= 0 or most is None or now + one <= most
            for most, now, one in zip(self.holds, self.taken, more, strict=True)
        )

    def full(self, held: list[Fraction]) -> bool:
        """Whether all is sold of it, in any measure: what quotes have ``held`` may come back."""
        sold = [now - one for now, one in zip(self.taken, held, strict=True)]
        return any(most is not None and now >= most for most, now in zip(self.holds, sold, strict=True))


@attrs.define
class Day:
    """A market day; ``leads`` are the minutes that farms need, ``closed_full`` is whether it closed since all was sold."""

    name: str
    opens: int
    closes: int
    begins: int
    ends: int
    leads: dict[str, int]
    status: str = "planned"
    closed_full: bool = False

    def takes_orders(self, farm: str, now: int) -> bool:
        return self.status == "open" and self.opens <= now < min(self.closes - self.leads[farm], self.begins)

    def takes_changes(self, farm: str, now: int) -> bool:
        """As long as it takes orders, or would if it were not full."""
        full = self.status == "closed" and self.closed_full
        return attrs.evolve(self, status="open" if full else self.status).takes_orders(farm, now)


@attrs.define
class Coupon:
    """A coupon as it is now; of ``people`` how often each has used it."""

    code: str
    percent: Fraction | None
    amount: int
    farm: str | None
    minimum: int
    most: int
    each: int
    people: dict[str, int] = attrs.field(factory=dict)

    @property
    def taken(self) -> int:
        return sum(self.people.values())

    def left_for(self, who: str) -> bool:
        return self.taken < self.most and self.people.get(who, 0) < self.each


@attrs.frozen
class Off:
    """What a coupon takes off an order, as it was when that was placed."""

    code: str
    percent: Fraction | None
    amount: int
    farm: str | None
    minimum: int


@attrs.frozen
class Fee:
    basis: str
    amount: int
    farm: str | None = None
    rate: Fraction = Fraction(0)
    free_from: int | None = None


@attrs.frozen
class Rules:
    """By what an order is billed."""

    included: bool
    fees: tuple[Fee, ...]
    coupon: Off | None = None


@attrs.define
class Bill:
    """Discount and tax of lines, by their positions; goods, fees, discount and tax of each farm's part; amount and tax of each fee (by its number) for each
    farm."""

    lines: dict[int, tuple[int, int]]
    parts: dict[str, list[int]]
    charged: dict[tuple[int, str], tuple[int, int]] = attrs.field(factory=dict)


@attrs.define
class Line:
    """A line of an order. ``agreed`` is the most that is owed for it; it is in the place of the one at ``replaces``, and does not count while it is
    ``proposed``. ``goods`` are ``live`` (reserved), ``sold`` or ``over``; those that ``await`` their farm's word are sold once it has confirmed, or free ``until`` then."""

    position: int
    product: str
    farm: str
    unit: str
    price: int
    each: Fraction | None
    rate: Fraction
    quantity: Fraction
    agreed: int
    consent: str = "none"
    short: Fraction = Fraction(0)
    weighed: Fraction | None = None
    replaces: int | None = None
    proposed: bool = False
    answer_by: int | None = None
    goods: str = "live"
    until: int | None = None
    discount: int = 0
    tax: int = 0

    @property
    def left(self) -> Fraction:
        return self.quantity - self.short

    @property
    def estimate(self) -> int:
        """What is left comes to, as far as is known before it is weighed."""
        return floor(self.price * self.left * (self.each or 1) + Fraction(1, 2))

    @property
    def worth(self) -> int:
        return self.estimate if self.weighed is None else floor(self.price * self.weighed + Fraction(1, 2))

    @property
    def owed(self) -> int:
        return min(self.worth, self.agreed)

    @property
    def most(self) -> int:
        """The most that can be owed for what is left: of what is weighed a tenth more than the estimate."""
        return self.estimate if self.each is None else floor(self.estimate * (1 + TOLERANCE) + Fraction(1, 2))

    @property
    def kilograms(self) -> Fraction:
        """What it weighs, as far as that is known, to the gram."""
        if self.weighed is not None:
            return self.weighed
        return self.left * (self.each if self.each is not None else 1 if self.unit == "kg" else 0)

    @property
    def charged_kilograms(self) -> Fraction:
        """What of that fees are charged by: of what weighs more than was agreed on, as much as was, to the gram."""
        if self.worth <= self.agreed:
            return self.kilograms
        return Fraction(floor(1000 * self.kilograms * self.agreed / self.worth + Fraction(1, 2)), 1000)

    @property
    def as_ordered(self) -> int:
        """What it came to as it was ordered, whatever has become of it."""
        return attrs.evolve(self, short=Fraction(0), weighed=None).estimate

    @property
    def load(self) -> tuple[Fraction, Fraction]:
        """Crates and kilograms that it takes of a window."""
        of_one = self.each if self.each is not None else Fraction(1) if self.unit == "kg" else PIECE
        return self.left if self.unit == "crate" else Fraction(0), self.left * of_one


@attrs.define
class Part:
    farm: str
    status: str = "placed"
    amounts: list[int] = attrs.field(factory=lambda: [0, 0, 0, 0])


@attrs.define
class Order:
    """An order; ``charged`` is what its parts had of its fees when it was billed last, ``taken`` what it takes of its window, ``events`` are the farms (None: any) whose goods become a sale once they are handled."""

    name: str
    buyer: str
    window: str
    rules: Rules
    parts: list[Part]
    lines: list[Line]
    totals: list[int] = attrs.field(factory=lambda: [0, 0, 0, 0])
    charged: dict[tuple[int, str], tuple[int, int]] = attrs.field(factory=dict)
    version: int = 1
    uses_coupon: bool = False
    left: bool = False
    taken: list[Fraction] = attrs.field(factory=lambda: [Fraction(0)] * 3)
    events: set[str | None] = attrs.field(factory=set)

    def part(self, farm: str) -> Part | None:
        return next((part for part in self.parts if part.farm == farm), None)

    def stands(self, farm: str) -> bool:
        part = self.part(farm)
        return part is not None and part.status not in OVER

    @property
    def status(self) -> str:
        live = [PROGRESS.index(part.status) for part in self.parts if part.status not in OVER]
        if live:
            return PROGRESS[min(live)]
        return "expired" if all(part.status == "expired" for part in self.parts) else "cancelled"

    def counting(self) -> list[Line]:
        """The lines that count, of the parts that stand."""
        return [line for line in self.lines if not line.proposed and self.stands(line.farm)]

    def done(self) -> set[str]:
        """The farms whose parts are completed: what was charged for these stays."""
        return {part.farm for part in self.parts if part.status == "completed"}

    def in_place_of(self, line: Line) -> list[Line]:
        return [one for one in self.lines if one.replaces == line.position and self.stands(one.farm)]

    def at(self, position: int) -> Line:
        return next(line for line in self.lines if line.position == position)


def measures(lines: list[Line]) -> list[Fraction]:
    """What an order takes of a window with these lines: orders, crates, kilograms."""
    if not lines:
        return [Fraction(0)] * 3
    loads = [line.load for line in lines]
    loose = sum((kilograms for crates, kilograms in loads if not crates), Fraction(0))
    crates = sum((crates for crates, _ in loads), Fraction(0)) + ceil(loose / CRATE)
    return [Fraction(1), crates, sum((kilograms for _, kilograms in loads), Fraction(0))]


def copied(thing: Any) -> Any:
    """A thing of the same kind and content that can be changed by itself."""
    return attrs.evolve(thing)

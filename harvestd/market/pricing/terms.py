"""The terms by which an order is billed, and the bill: its goods, fees and coupon, and what these come to. Values alone; amounts are integers of minor units,
rates in thousandths of a per cent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import attrs
import msgspec

Basis = Literal["order", "farm", "kilogram", "delivery_area"]


@attrs.frozen(kw_only=True)
class Good:
    """A line as it is billed: its price, as the farm says it, is ``total``; ``rate`` that of its tax; ``weight`` in grams, 0 where it is unknown. One of a part
    that is completed has its discount ``settled`` (None: it is open)."""

    key: str
    farm_id: str
    total: int
    rate: int = 0
    weight: int = 0
    category_id: str | None = None
    discountable: bool = True
    settled: int | None = None


@attrs.frozen(kw_only=True)
class FeeRule:
    """A fee: of each order, of each farm's part, of each kilogram, or of a delivery to an area. One of a farm concerns its part alone, one with a
    ``method`` those parts that reach their buyer so. ``amount`` is for one of ``basis``, ``rate`` that of its own tax; nothing is charged where the goods that it
    concerns, before any discount, come to ``free_from``."""

    id: str
    name: str
    basis: Basis
    amount: int
    farm_id: str | None = None
    rate: int = 0
    free_from: int | None = None
    method: str | None = None


@attrs.frozen(kw_only=True)
class Discount:
    """What a coupon takes off: a percentage of the goods or an ``amount``, of all goods or of one farm's, as long as these come to ``minimum``."""

    coupon_id: str
    code: str
    kind: Literal["percent", "amount"]
    value: int
    farm_id: str | None = None
    minimum: int = 0


@attrs.frozen
class FeeBill:
    """What a farm's part has of a fee, and the tax on it."""

    id: str
    farm_id: str
    amount: int
    tax: int
    name: str


@attrs.frozen(kw_only=True)
class Pricing:
    """The rules by which an order is billed, kept with it: whether prices include the tax, the fees, and the coupon. ``charged`` is what each part had of each
    fee when it was billed last (None: it never was, or there are no fees): a part that is completed keeps that."""

    tax_included: bool = False
    fees: tuple[FeeRule, ...] = ()
    discount: Discount | None = None
    charged: tuple[FeeBill, ...] | None = None

    def after(self, found: Bill) -> Pricing:
        """The rules as they are kept with what they came to."""
        return attrs.evolve(self, charged=found.fees) if self.fees else self


#: The rules of a market that has none.
PLAIN = Pricing()


@attrs.frozen
class LineBill:
    """What a line comes to: its goods, the discount on them, and the tax on what is left."""

    total: int
    discount: int = 0
    tax: int = 0


@attrs.frozen
class PartBill:
    """What a farm's part comes to; ``tax`` is included in the other amounts or added to them, as :class:`Pricing` says."""

    goods: int
    fees: int
    discount: int
    tax: int
    total: int


@attrs.frozen(kw_only=True)
class Bill:
    """What an order comes to: ``lines`` by key, ``parts`` by farm, in the order of first mention."""

    lines: Mapping[str, LineBill]
    parts: Mapping[str, PartBill]
    fees: tuple[FeeBill, ...]
    goods: int
    discount: int
    tax: int
    fee_total: int
    total: int


def kept(pricing: Pricing) -> dict[str, Any]:
    """The rules as they are kept with an order."""
    return msgspec.convert(msgspec.to_builtins(pricing), dict[str, Any])


def read(stored: Mapping[str, Any] | None) -> Pricing:
    """The rules that were kept with an order; of one that has none, those of a market without."""
    return msgspec.convert(stored, Pricing) if stored else PLAIN

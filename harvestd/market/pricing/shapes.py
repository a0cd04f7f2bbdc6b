"""Fees, tax rates and coupons, as those who set them give them and see them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal, get_args

from msgspec import UNSET, Meta, UnsetType, field

from harvestd.market.farms.delivery_rules import MAX_POSTCODE, MAX_POSTCODES
from harvestd.market.pricing.rules import MAX_CODE, MIN_CODE, NAME
from harvestd.market.pricing.terms import Basis
from harvestd.web.shapes import CategoryId, CountedQuery, FarmId, In, MinorUnits, Money, Out, PerCent
from harvestd.web.vocabulary import closed

_BASIS = closed(
    "FeeBasis",
    get_args(Basis),
    "What a fee is charged for: each order, each farm's part of one, each kilogram, each farm's delivery to an area.",
)
BasisIn = Annotated[Basis, _BASIS]
BasisOut = Annotated[str, _BASIS]
Method = Literal["pickup", "delivery"]
MethodOut = Annotated[str, closed("FulfilmentMethod", get_args(Method), "How goods reach the buyer.")]
Name = Annotated[str, Meta(min_length=1, max_length=NAME.longest)]
Code = Annotated[str, Meta(min_length=MIN_CODE, max_length=2 * MAX_CODE, examples=["SPRING-2026"])]
Amount = Money | MinorUnits
Uses = Annotated[int, Meta(ge=1, le=1_000_000)]
Postcodes = Annotated[
    list[Annotated[str, Meta(max_length=MAX_POSTCODE, examples=["1010"])]], Meta(max_length=MAX_POSTCODES)
]


class ChargesQuery(CountedQuery, kw_only=True, frozen=True):
    """A page; without ``farm``, of all that the caller may change."""

    farm: FarmId | None = None


class RatesQuery(CountedQuery, kw_only=True, frozen=True):
    """A page of tax rates."""


class Fee(Out, kw_only=True, frozen=True):
    """A fee, of a farm or of the market."""

    id: str
    farm_id: str | None
    name: str
    basis: BasisOut
    amount: Money
    rate: str
    free_from: Money | None
    method: MethodOut | None
    postcodes: list[str] | None
    from_: date | None = field(name="from")
    until: date | None
    version: int
    created_at: datetime
    updated_at: datetime


class NewFee(In, kw_only=True, frozen=True):
    """A fee to charge, of the market or, with ``farm_id``, of a farm."""

    farm_id: FarmId | None = None
    name: Name
    basis: BasisIn
    amount: Amount
    rate: PerCent = Decimal(0)
    free_from: Amount | None = None
    method: Method | None = None
    postcodes: Postcodes | None = None
    from_: date | None = field(name="from", default=None)
    until: date | None = None


class ChangeFee(In, kw_only=True, frozen=True):
    """The fields to change."""

    name: Name | UnsetType = UNSET
    basis: BasisIn | UnsetType = UNSET
    amount: Amount | UnsetType = UNSET
    rate: PerCent | UnsetType = UNSET
    free_from: Amount | UnsetType | None = UNSET
    method: Method | UnsetType | None = UNSET
    postcodes: Postcodes | UnsetType | None = UNSET
    from_: date | UnsetType | None = field(name="from", default=UNSET)
    until: date | UnsetType | None = UNSET


class TaxRate(Out, kw_only=True, frozen=True):
    """The tax of a category and of those below it, or of everything that has no other."""

    id: str
    name: str
    category_id: str | None
    rate: str
    from_: date | None = field(name="from")
    until: date | None
    version: int
    created_at: datetime
    updated_at: datetime


class NewTaxRate(In, kw_only=True, frozen=True):
    """A tax rate to apply."""

    name: Name
    category_id: CategoryId | None = None
    rate: PerCent
    from_: date | None = field(name="from", default=None)
    until: date | None = None


class ChangeTaxRate(In, kw_only=True, frozen=True):
    """The fields to change."""

    name: Name | UnsetType = UNSET
    category_id: CategoryId | UnsetType | None = UNSET
    rate: PerCent | UnsetType = UNSET
    from_: date | UnsetType | None = field(name="from", default=UNSET)
    until: date | UnsetType | None = UNSET


class Coupon(Out, kw_only=True, frozen=True):
    """A coupon, of a farm or of the market, and how often it is used."""

    id: str
    farm_id: str | None
    code: str
    percent: str | None
    amount: Money | None
    minimum: Money
    from_: date | None = field(name="from")
    until: date | None
    max_uses: int | None
    max_uses_per_person: int | None
    active: bool
    uses: int
    version: int
    created_at: datetime
    updated_at: datetime


class NewCoupon(In, kw_only=True, frozen=True):
    """A coupon to give out, of the market or, with ``farm_id``, of a farm: ``percent`` or ``amount``."""

    farm_id: FarmId | None = None
    code: Code
    percent: PerCent | None = None
    amount: Amount | None = None
    minimum: Amount = 0
    from_: date | None = field(name="from", default=None)
    until: date | None = None
    max_uses: Uses | None = None
    max_uses_per_person: Uses | None = None
    active: bool = True


class ChangeCoupon(In, kw_only=True, frozen=True):
    """The fields to change."""

    code: Code | UnsetType = UNSET
    percent: PerCent | UnsetType | None = UNSET
    amount: Amount | UnsetType | None = UNSET
    minimum: Amount | UnsetType = UNSET
    from_: date | UnsetType | None = field(name="from", default=UNSET)
    until: date | UnsetType | None = UNSET
    max_uses: Uses | UnsetType | None = UNSET
    max_uses_per_person: Uses | UnsetType | None = UNSET
    active: bool | UnsetType = UNSET


_OF_ALL = {
    "from": "The first day on which it counts, in the market's time zone; null for always until now.",
    "until": "The last day on which it counts; null for no end.",
}
_OF_FEES = {
    **_OF_ALL, "farm_id": "The farm whose fee it is; null for the market's.", "name": "What it is called, on the order too.",
    "basis": "What it is charged for.", "amount": "For one of what it is charged for: an order, a part, a kilogram, a delivery.",
    "rate": "Per cent of tax on the fee itself.", "free_from": "Nothing is charged where the goods that it concerns come to this; null for never.",
    "method": "Only of parts that reach their buyer this way; null for any.",
    "postcodes": "Of a delivery area: the postcodes in it, which are looked for in the address of the delivery; null for other fees.",
}  # fmt: skip
_OF_RATES = {
    **_OF_ALL, "name": "What it is called.", "rate": "Per cent.",
    "category_id": "The category, and those below it that have no rate of their own; null for everything that has no other.",
}  # fmt: skip
_OF_COUPONS = {
    **_OF_ALL, "farm_id": "The farm whose goods it is for; null for all goods.", "code": "What buyers give; case, spaces and hyphens make no difference.",
    "percent": "Per cent off; null if it is an amount.", "amount": "The amount off, never more than the goods come to; null if it is per cent.",
    "minimum": "The goods that it is for must come to this.", "max_uses": "How many orders can use it; null for any number.",
    "max_uses_per_person": "How many orders of one person can use it; null for any number.", "active": "Whether it is accepted.",
}  # fmt: skip
#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    **{f"{shape}.{name}": words for shape in ("Fee", "NewFee", "ChangeFee") for name, words in _OF_FEES.items()},
    **{f"{shape}.{name}": words for shape in ("TaxRate", "NewTaxRate", "ChangeTaxRate") for name, words in _OF_RATES.items()},
    **{f"{shape}.{name}": words for shape in ("Coupon", "NewCoupon", "ChangeCoupon") for name, words in _OF_COUPONS.items()},
    "ChargesQuery.farm": "Only those of this farm.",
    "Coupon.uses": "How many orders have used it; of one that ends before anything has left its farms, the use is given back.",
}  # fmt: skip

"""Fees, tax rates and coupons between the contract and the rows: amounts, rates, days, and some names."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from harvestd.kernel.errors import FieldError
from harvestd.kernel.rates import per_cent, said
from harvestd.market.farms.delivery_rules import postcode_fault, postcode_faults
from harvestd.market.pricing import rows, rules, shapes
from harvestd.web.money import given_faults, money
from harvestd.web.shapes import Money

#: The names of the contract whose rows have others; amounts of money; rates and percentages.
NAMES = {"from": "first", "until": "last", "max_uses": "uses_most", "max_uses_per_person": "each_most"}
_AMOUNTS = ("amount", "free_from", "minimum")
_RATES = ("rate", "percent")
_SHAPES: dict[type, type[msgspec.Struct]] = {
    rows.Fee: shapes.Fee, rows.TaxRate: shapes.TaxRate, rows.Coupon: shapes.Coupon,
}  # fmt: skip


def faults(given: Mapping[str, Any], currency: str) -> list[FieldError]:
    """Faults in the given fields by themselves."""
    found = [fault for name in _AMOUNTS for fault in given_faults(name, given, currency)]
    rates = [per_cent(name, given[name]) for name in _RATES if isinstance(given.get(name), Decimal)]
    named = rules.NAME.apply("name", given["name"]) if isinstance(given.get("name"), str) else None
    code = rules.code("code", given["code"]) if isinstance(given.get("code"), str) else None
    for name, value in given.items():  # whole, or one by one where others cannot be read
        if name == "postcodes" and isinstance(value, list):
            found += postcode_faults(name, value)
        elif name.startswith("postcodes[") and (fault := postcode_fault(name, value)) is not None:
            found.append(fault)
    return [*found, *(one for one in (*rates, named, code) if isinstance(one, FieldError))]


def stored(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that were given, without faults of their own, as rows have them."""
    return {NAMES.get(name, name): _stored(name, value) for name, value in given.items()}


def _stored(name: str, value: Any) -> Any:
    if name in _RATES and isinstance(value, Decimal):
        return per_cent(name, value)
    return value.amount if isinstance(value, Money) else value


def shown(row: Any, currency: str) -> Any:
    """A row, as the contract shows it."""
    names = {own: name for name, own in NAMES.items()}
    values = {names.get(name, name): value for name, value in msgspec.structs.asdict(row).items()}
    for name in _AMOUNTS:
        if values.get(name) is not None:
            values[name] = money(values[name], currency)
    for name in _RATES:
        if values.get(name) is not None:
            values[name] = said(values[name])
    if isinstance(row, rows.Coupon):
        values["uses"] = values.pop("taken")
        del values["code_key"]
    return _SHAPES[type(row)](**{"from_" if name == "from" else name: value for name, value in values.items()})

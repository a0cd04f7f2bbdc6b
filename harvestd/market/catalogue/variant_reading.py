"""Pack sizes as a request says them, converted for the rules: those of one product, or of each of many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import msgspec

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.market.catalogue import variant_rules
from harvestd.market.catalogue.variant_rules import Variant
from harvestd.market.catalogue.variant_shapes import VariantIn
from harvestd.web import sound
from harvestd.web.money import given_faults, minor_units


def faults(currency: str, given: Mapping[str, Any], name: str) -> list[FieldError]:
    """Faults in the readable pack sizes of the list ``name``, whatever the product."""
    found: list[FieldError] = []
    for i, members in sound.elements(given, name).items():
        wrong = given_faults("price", members, currency)
        if not wrong and isinstance(price := _price(members.get("price")), int):
            wrong += variant_rules.alone({**members, "price": price})
        else:
            wrong += variant_rules.alone({one: value for one, value in members.items() if one != "price"})
        found += [attrs.evolve(fault, field=f"{name}[{i}].{fault.field}") for fault in wrong]
    return found


def read(currency: str, name: str, sent: Sequence[VariantIn]) -> tuple[Variant, ...]:
    """The pack sizes of the list ``name``. Raises :class:`Invalid` with all faults that they have whatever the product."""
    wrong = faults(currency, {name: sent}, name)
    if wrong:
        raise Invalid("the pack sizes cannot be accepted", tuple(wrong))
    return tuple(_read(f"{name}[{i}].price", one, currency) for i, one in enumerate(sent))


def _read(price: str, one: VariantIn, currency: str) -> Variant:
    return Variant(**{**msgspec.structs.asdict(one), "price": minor_units(price, one.price, currency)})


def _price(price: Any) -> int | None:
    amount = getattr(price, "amount", price)
    return amount if isinstance(amount, int) else None

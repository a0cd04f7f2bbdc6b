"""What is kept of a quote, what an order of it is decided by, and what a hold does to stock."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from harvestd.kernel.units import Amount
from harvestd.market.catalogue.variant_rules import Pack
from harvestd.market.orders.placing import decide
from harvestd.market.orders.placing_rules import Wanted
from harvestd.market.orders.quote_rules import as_quoted, content, read, shift, without
from harvestd.market.pricing.billing_rules import Billing
from harvestd.market.pricing.terms import Discount, FeeRule, Pricing
from tests.market.catalogue.shelves import TERMS, TODAY, product

RULES = Pricing(
    tax_included=True, fees=(FeeRule(id="fee", name="Packing", basis="order", amount=150),),
    discount=Discount(coupon_id="c", code="SPRING", kind="amount", value=100),
)  # fmt: skip
WAYS: dict[str, dict[str, Any]] = {"acres": {"method": "delivery", "address": "Lane 1"}}


def decided(shelf: Any, billing: Billing) -> Any:
    return decide(
        [Wanted("carrots", Decimal("1.25"))], shelf, TERMS, line_ids=["line"], today=TODAY, expected_total=None, billing=billing
    )  # fmt: skip


def test_what_was_quoted_is_what_is_ordered_whatever_has_become_dearer() -> None:
    billing = Billing(fixed=RULES, rates={"carrots": 7000}, discount=RULES.discount)
    shelf = {"carrots": product(each=Amount(Decimal("0.1"), "kg"), unit="each", quantity_step="0.25")}
    first = decided(shelf, billing)
    kept = read(content(first, shelf, WAYS, "SPRING", None).kept())
    assert kept == content(first, shelf, WAYS, "SPRING", None), "as it is stored, it is read"
    dearer = {
        "carrots": attrs.evolve(
            shelf["carrots"], price=9999, min_quantity=Decimal(5), order_minimum=10**6, each=Amount(Decimal(9), "kg")
        )
    }
    assert decided(dearer, Billing()).refusals
    again = decided(as_quoted(dearer, kept), kept.billing)
    assert (again.totals, again.parts[0].method, again.refusals) == (first.totals, "delivery", ())
    assert again.lines[0].tax_rate == 7000


@pytest.mark.parametrize("other", [{"unit": "bunch"}, {"pack": Pack("v", Decimal(2), "kg")}])
def test_what_is_sold_in_another_unit_or_pack_is_not_what_was_quoted(other: dict[str, Any]) -> None:
    shelf = {"carrots": product()}
    kept = content(decided(shelf, Billing()), shelf, WAYS, "", None)
    changed = {"carrots": attrs.evolve(shelf["carrots"], price=9999, **other)}
    assert as_quoted(changed, kept)["carrots"].price == 9999


@pytest.mark.parametrize(
    ("reserved", "before", "after", "changes", "turned"),
    [
        ("0", {}, {"a": "2.5"}, {"a": "2.5"}, ("a",)), ("0", {}, {"a": "2.4"}, {"a": "2.4"}, ()), ("2.5", {"a": "2.5"}, {}, {"a": "-2.5"}, ("a",)),
        ("2", {"a": "2"}, {"a": "2.5"}, {"a": "0.5"}, ("a",)), ("2", {"a": "2"}, {"a": "2"}, {}, ()), ("1", {"a": "1"}, {"b": "1"}, {"a": "-1", "b": "1"}, ()),
    ],
)  # fmt: skip
def test_a_hold_reserves_what_it_has_more_of_than_the_one_before(
    reserved: str, before: dict[str, str], after: dict[str, str], changes: dict[str, str], turned: tuple[str, ...]
) -> None:
    shelf = {"a": product("a", reserved=reserved), "b": product("b")}
    found = shift(shelf, *({id: Decimal(q) for id, q in held.items()} for held in (before, after)))
    assert (found.reserved, found.turned) == ({id: Decimal(q) for id, q in changes.items()}, turned)


def test_what_is_held_for_somebody_is_there_for_them() -> None:
    shelf = {"a": product("a", reserved="2.5"), "b": product("b", reserved="1")}
    free = without(shelf, {"a": Decimal(2)})
    assert (free["a"].available, free["b"].available) == (Decimal("2.0"), Decimal("1.5"))

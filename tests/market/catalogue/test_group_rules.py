"""Who sees what at which price, decided without a database."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from harvestd.kernel.errors import Invalid
from harvestd.kernel.quantities import MAX_PRICE
from harvestd.market.catalogue import group_rules
from harvestd.market.catalogue.group_rules import EVERYBODY, MAX_GROUPS, Buyer, GroupPrice
from harvestd.market.catalogue.rules import Offer, amended

OFFER = Offer(title="Carrots", unit="kg", price=500, quantity_step=Decimal("0.05"), min_quantity=Decimal("0.05"))
MANY = tuple(GroupPrice(f"g{n}", 1) for n in range(MAX_GROUPS + 1))


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({}, []), ({"visible_to": None, "prices": None}, []), ({"prices": MANY[1:]}, []), ({"visible_to": ["g"] * MAX_GROUPS}, []),
        ({"prices": MANY}, [("prices", "too-long")]), ({"visible_to": ["g"] * (MAX_GROUPS + 1)}, [("visible_to", "too-long")]),
        ({"prices": [GroupPrice("a", 1), GroupPrice("a", 2)]}, [("prices[1].group", "given-twice")]),
        ({"prices": [GroupPrice("a", 0), GroupPrice("b", -1)]}, [("prices[1].price", "below-minimum")]),
        ({"prices": [GroupPrice("a", MAX_PRICE), GroupPrice("b", MAX_PRICE + 1)]}, [("prices[1].price", "above-maximum")]),
    ],
)  # fmt: skip
def test_faults_of_groups_are_told_whatever_the_product(given: Any, wrong: list[tuple[str, str]]) -> None:
    assert [(fault.field, fault.code) for fault in group_rules.faults(given)] == wrong


def test_the_limit_of_a_groups_price_is_that_of_the_price() -> None:
    half = attrs.evolve(
        OFFER, price_per=Decimal("0.5"), prices=(GroupPrice("a", MAX_PRICE // 2), GroupPrice("b", MAX_PRICE // 2 + 1))
    )
    assert [(fault.field, fault.code) for fault in group_rules.offer_faults(half, said=False)] == [
        ("prices[1].price", "above-maximum")
    ]
    twice = attrs.evolve(OFFER, prices=(GroupPrice("a", -1),))
    assert len(list(group_rules.offer_faults(twice))) == 1, "each fault once"


def test_groups_and_prices_are_kept_in_order_and_once() -> None:
    prices = (GroupPrice("b", 1), GroupPrice("a", 2))
    found = group_rules.normal({"visible_to": ("b", "a", "b"), "prices": prices})
    assert found == {"visible_to": ("a", "b"), "prices": prices[::-1]}
    assert group_rules.of_stored([{"group": "b", "price": 1}]) == prices[:1]
    assert group_rules.stored(prices[:1]) == '[{"group":"b","price":1}]'
    assert (group_rules.stored(()), group_rules.of_stored(None)) == (None, ())


def test_answers_for_those_in_other_groups_and_for_the_staff_have_keys_of_their_own() -> None:
    several = [EVERYBODY, Buyer(("a",)), Buyer(("b",)), Buyer(("a", "b")), Buyer(staff=True)]
    assert [one.key for one in several] == ["", "a", "b", "a,b", "staff"]


@pytest.mark.parametrize(
    ("before", "after", "among"),
    [
        ({}, {}, False), ({}, {"prices": MANY[:1]}, True), ({}, {"prices": MANY[:1], "title": "Beet"}, False),
        ({"visible_to": ("a",)}, {"visible_to": ("a", "b")}, True),
        ({"visible_to": ("a",)}, {"visible_to": ("b",), "prices": MANY[:1]}, True),
        ({"visible_to": ("a",)}, {}, False), ({}, {"visible_to": ("a",)}, False),
    ],
)  # fmt: skip
def test_what_changes_for_groups_alone_is_among_them_unless_everybody_gains_or_loses_it(
    before: Any, after: Any, among: bool
) -> None:
    assert group_rules.among_groups(attrs.evolve(OFFER, **before), attrs.evolve(OFFER, **after)) is among


@pytest.mark.parametrize(
    ("before", "changes", "wrong"),
    [
        (OFFER, {"prices": (GroupPrice("a", 500),)}, []), (OFFER, {"prices": (GroupPrice("a", 501),)}, ["prices[0].price"]),
        (OFFER, {"prices": (GroupPrice("a", 1), GroupPrice("b", 900)), "price": 899}, ["prices[1].price"]),
        (OFFER, {"prices": (GroupPrice("a", 900),), "price": 900}, []),
        (attrs.evolve(OFFER, prices=(GroupPrice("a", 400),)), {"price": 300}, []),
        (attrs.evolve(OFFER, price=300, prices=(GroupPrice("a", 400),)), {"title": "Beet", "prices": (GroupPrice("a", 400),)}, []),
        (attrs.evolve(OFFER, price=300, prices=(GroupPrice("a", 400),)), {"prices": (GroupPrice("a", 399),)}, ["prices[0].price"]),
    ],
)  # fmt: skip
def test_a_groups_price_is_said_to_be_no_more_than_everybodys_and_outlives_a_lower_one(
    before: Offer, changes: dict[str, Any], wrong: list[str]
) -> None:
    """So a price can be lowered by who knows nothing of groups, and what was exported is imported."""
    try:
        amended(before, changes)
        found: list[tuple[str, str]] = []
    except Invalid as refused:
        found = [(error.field, error.params.get("reason", "")) for error in refused.errors]
    assert found == [(field, "above-everybodys") for field in wrong]

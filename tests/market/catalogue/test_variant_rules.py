"""Pack sizes: which may be, and which of those that there are a list means."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from harvestd.kernel.errors import Invalid
from harvestd.market.catalogue.variant_rules import Variant, alone, arranged

SACK = Variant(id="1", title="5 kg sack", unit="box", price=1500, takes=Decimal(5), external_id="erp-5")
BAG = Variant(id="2", title="Bag", unit="each", price=100, takes=Decimal("0.25"))


def given(title: str = "Box", **more: Any) -> Variant:
    return Variant(**{"title": title, "unit": "each", "price": 100, "takes": Decimal(1)} | more)


def refused(*variants: Variant, unit: str = "kg", present: tuple[Variant, ...] = ()) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as found:
        arranged(variants, present, unit)
    return [(error.field, error.code) for error in found.value.errors]


@pytest.mark.parametrize(
    ("one", "wrong"),
    [
        ({"title": "\u0007"}, ("title", "control-character")), ({"title": "x" * 101}, ("title", "too-long")), ({"unit": "kg"}, ("unit", "not-one-of")),
        ({"price": -1}, ("price", "below-minimum")), ({"price": 100_000_001}, ("price", "above-maximum")), ({"takes": Decimal(0)}, ("takes", "below-minimum")),
        ({"takes": Decimal("0.0001")}, ("takes", "off-step")), ({"takes": Decimal("NaN")}, ("takes", "not-a-number")), ({"sku": "x" * 65}, ("sku", "too-long")),
        ({"external_id": "a b"}, ("external_id", "not-accepted")), ({"id": "3"}, ("id", "not-found")),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(one: dict[str, Any], wrong: tuple[str, str]) -> None:
    field, code = wrong
    assert refused(given("First"), given(**one), present=(SACK,)) == [(f"items[1].{field}", code)]
    assert field == "id" or [(fault.field, fault.code) for fault in alone(one)] == [wrong]


def test_a_pack_of_pieces_takes_whole_ones() -> None:
    assert refused(given(takes=Decimal("1.5")), unit="each") == [("items[0].takes", "off-step")]
    assert arranged([given(takes=Decimal(6))], [], "each")[0].takes == 6


def test_no_two_have_one_id_or_title() -> None:
    twice = [
        (given("Box"), given(" box ")),
        (given("Box"), given("Bo\u200bx")),
        (given("\u00e9clair"), given("e\u0301clair")),
        (given("A", external_id="x"), given("B", external_id="x")),
        (given("A", id="1"), given("B", id="1")),
    ]
    for pair, name in zip(twice, ("title", "title", "title", "external_id", "id"), strict=True):
        assert refused(*pair, present=(SACK,)) == [(f"items[1].{name}", "given-twice")]


def test_each_keeps_its_id_by_id_or_by_the_farms_own_or_by_title_and_the_order_is_the_lists() -> None:
    new, bag, sack = arranged([given("Crate"), given("BAG"), given("Sack", external_id="erp-5")], [SACK, BAG], "kg")
    assert (new.id, bag.id, sack.id) == (None, "2", "1")
    assert (sack.title, sack.price, bag.title) == ("Sack", 100, "BAG"), "it is as it is said to be"
    swapped = arranged([given("Bag", id="1"), given("5 kg sack", id="2")], [SACK, BAG], "kg")
    assert [one.id for one in swapped] == ["1", "2"]
    other, same = arranged([given("Bag", id="1"), given("Sack", external_id="erp-5")], [SACK, BAG], "kg")
    assert (other.id, same.id) == ("1", None), "the id says which it is, and none is two"


def test_texts_are_kept_in_their_normal_form() -> None:
    (one,) = arranged([given("  Big   box ", sku=" ", takes=Decimal("1"))], [], "kg")
    assert (one.title, one.sku, str(one.takes)) == ("Big box", "", "1.000")

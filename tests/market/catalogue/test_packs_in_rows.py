"""Pack sizes with their product: in rows of many, in files, and under the farm's own id."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvestd.kernel.errors import Invalid
from harvestd.market.catalogue.many_rules import Present, Row, changes_of, decided
from harvestd.market.catalogue.rules import begun
from harvestd.market.catalogue.variant_rules import Variant
from harvestd.store.postgres.statements import Statement
from tests.market.catalogue.test_bulk_products import results
from tests.market.catalogue.test_exporting import exported
from tests.market.catalogue.test_importing import done, fields
from tests.market.catalogue.test_put_product import put
from tests.people import Market, Person

LEEK: dict[str, Any] = {"title": "Leeks", "unit": "kg", "price": 250, "stock": 12, "external_id": "erp-1"}
SACK: dict[str, Any] = {"title": "5 kg sack", "price": 1100, "takes": 5, "sku": "S5"}
BAG: dict[str, Any] = {"title": "Bag", "price": {"amount": 60, "currency": "EUR"}, "takes": "0.25", "unit": "box"}
EVENTS = Statement(
    "test.packs.events", "select version, data ->> 'changed' from outbox where type like 'product.%' order by seq", lambda *row: row
)  # fmt: skip


async def packs(farmer: Person, product_id: str) -> list[tuple[str, str, int, str]]:
    found = (await farmer.get(f"/api/products/{product_id}/variants")).json()["items"]
    return [(one["id"], one["title"], one["price"]["amount"], one["takes"]) for one in found]


def cell(*items: dict[str, Any]) -> str:
    file = io.StringIO()
    csv.writer(file).writerow([json.dumps(items)])
    return file.getvalue().strip()


async def test_a_row_sets_all_pack_sizes_and_one_that_says_nothing_of_them_leaves_them(market: Market) -> None:
    farmer = await market.farmer()
    (made,) = await results(farmer, LEEK | {"variants": [SACK, BAG]})
    first = await packs(farmer, made["id"])
    assert made["status"] == "created" and [one[1:] for one in first] == [
        ("5 kg sack", 1100, "5.000"),
        ("Bag", 60, "0.250"),
    ]
    assert [(await results(farmer, row))[0]["status"] for row in (LEEK, LEEK | {"variants": [SACK, BAG]})] == [
        "unchanged"
    ] * 2
    (changed,) = await results(farmer, {"id": made["id"], "variants": [BAG, SACK | {"price": 1000}]})
    after = await packs(farmer, made["id"])
    assert (
        changed["status"] == "updated"
        and [one[0] for one in after] == [first[1][0], first[0][0]]
        and after[1][2] == 1000
    )
    (ended,) = await results(farmer, {"id": made["id"], "unit": "g", "stock": 0, "variants": []})
    assert ended["status"] == "failed", "the unit stays while there is stock"
    (ended,) = await results(farmer, {"id": made["id"], "variants": []})
    assert (ended["status"], await packs(farmer, made["id"])) == ("updated", [])
    assert await market.parts.database.rows(EVENTS) == [(1, "[]"), (2, '["variants"]'), (3, '["variants"]')]
    assert market.broken(at_rest=False) == []


async def test_what_is_wrong_with_a_pack_size_has_its_row_and_its_place(market: Market) -> None:
    farmer, rival = await market.farmer(), await market.farmer("Rival")
    (theirs,) = await results(rival, LEEK | {"variants": [SACK]})
    their_pack = (await packs(rival, theirs["id"]))[0][0]
    found = await results(
        farmer, LEEK | {"variants": [SACK, SACK]}, LEEK | {"external_id": "b", "variants": [SACK | {"takes": 0, "price": -1}]},
        LEEK | {"external_id": "c", "variants": [SACK | {"id": their_pack}]}, LEEK | {"external_id": "d", "unit": "each", "variants": [BAG]},
        LEEK | {"external_id": "e", "variants": [SACK] * 51}, LEEK | {"external_id": "f", "variants": [SACK | {"colour": "red"}]},
    )  # fmt: skip
    assert [sorted(e["field"] for e in one["errors"]) for one in found] == [
        ["rows[0].variants[1].title"], ["rows[1].variants[0].price", "rows[1].variants[0].takes"], ["rows[2].variants[0].id"],
        ["rows[3].variants[0].takes"], ["rows[4].variants"], ["rows[5].variants[0].colour"],
    ]  # fmt: skip
    assert (await farmer.get("/api/products?mine=true")).json()["items"] == []


async def test_a_whole_product_keeps_its_pack_sizes_unless_it_says_others(market: Market) -> None:
    farmer = await market.farmer()
    made = await put(farmer, unit="kg", variants=[SACK])
    assert made.status == 201 and [one["title"] for one in made.json()["variants"]] == ["5 kg sack"], made.text
    kept = await put(farmer, unit="kg", price=300)
    assert kept.json()["variants"] == made.json()["variants"], "what it leaves out of all else returns to its default"
    other = await put(farmer, unit="kg", variants=[BAG])
    assert [one["title"] for one in other.json()["variants"]] == ["Bag"]
    refused = await put(farmer, unit="kg", variants=[BAG | {"takes": 0}])
    assert [error["field"] for error in refused.json()["errors"]] == ["variants[0].takes"]


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
async def test_an_export_with_packs_is_taken_back_and_changes_nothing(market: Market, ending: str) -> None:
    farmer = await market.farmer()
    await results(
        farmer,
        LEEK | {"variants": [SACK, BAG | {"title": '=1+1, "large"', "external_id": "p|1"}]},
        LEEK | {"external_id": "erp-2"},
    )
    content, events = await exported(farmer, ending), await market.parts.database.rows(EVENTS)
    told = await done(market, farmer, content)
    assert told["result"] == {"rows": 2, "created": 0, "updated": 0, "unchanged": 2, "dry_run": False}, told
    assert (await exported(farmer, ending), await market.parts.database.rows(EVENTS)) == (content, events)


async def test_a_cell_of_packs_is_written_read_and_refused_like_any_other(market: Market) -> None:
    farmer = await market.farmer()
    head = "sku,title,unit,price,stock,variants"
    for query, number in (("?dry_run=true", 0), ("", 2), ("", 2)):
        told = await done(market, farmer, f"{head}\nA,Leeks,kg,2.50,9,{cell(SACK, BAG)}\nB,Kale,kg,1,1,\n", query)
        assert told["status"] == "succeeded", told
        shown = (await farmer.get("/api/products?mine=true")).json()["items"]
        assert sum(len(one["variants"]) for one in shown) == number
    assert told["result"]["unchanged"] == 2
    wrong = [
        f"A,Leeks,kg,2.50,9,{cell(SACK | {'takes': -1})}",
        "B,Kale,kg,1,1,sack",
        f"C,Rye,kg,1,1,{cell(SACK, SACK)}",
        "D,Oats,kg,1,1,7",
    ]
    failed = await done(market, farmer, "\n".join([head, *wrong]))
    assert fields(failed) == [
        ("rows[0].variants[0].takes", "below-minimum"), ("rows[1].variants", "wrong-form"), ("rows[2].variants[1].title", "given-twice"),
        ("rows[3].variants", "wrong-type"),
    ]  # fmt: skip
    ended = await done(market, farmer, "sku,variants\nA,")
    assert ended["result"]["updated"] == 1
    shown = (await farmer.get("/api/products?mine=true")).json()["items"]
    assert [one["variants"] for one in shown] == [[], []]


OFFER = begun(
    {"title": "Leeks", "unit": "kg", "price": 250, "price_per": None, "quantity_step": None, "min_quantity": None}
)
PACKS = st.builds(
    Variant, title=st.sampled_from(["Sack", "Bag", "Box", "Crate"]), unit=st.sampled_from(["each", "box"]),
    price=st.integers(0, 999), takes=st.decimals("0.001", "99", places=3), sku=st.sampled_from(["", "A"]),
)  # fmt: skip


@given(
    st.lists(PACKS, max_size=4, unique_by=lambda one: one.title),
    st.lists(PACKS, max_size=4, unique_by=lambda one: one.title),
)
def test_the_same_packs_again_are_no_change_and_others_are(before: list[Variant], after: list[Variant]) -> None:
    """Whatever was offered, and whatever was offered once."""
    import attrs

    kept = tuple(attrs.evolve(one, id=str(i)) for i, one in enumerate(before))
    present = Present(offer=OFFER, stock=OFFER.price_per, reserved=OFFER.price_per, variants=len(kept), packs=kept)
    for wanted in (before, after):
        decision = decided(Row(index=0, packs=tuple(wanted)), present)
        same = [attrs.evolve(one, id=None) for one in wanted] == [attrs.evolve(one, id=None) for one in before]
        assert (changes_of(present, decision) == []) is same
        assert decision.packs is not None and [one.title for one in decision.packs] == [one.title for one in wanted]
        known = {one.title: one.id for one in kept}
        assert [one.id for one in decision.packs] == [known.get(one.title) for one in wanted]
    assert changes_of(present, decided(Row(index=0), present)) == []


def test_the_unit_may_change_with_the_packs_that_are_of_it() -> None:
    none = OFFER.price_per - OFFER.price_per
    sack = Variant(title="Sack", unit="each", price=1, takes=OFFER.price_per, id="1")
    present = Present(offer=OFFER, stock=none, reserved=none, variants=1, packs=(sack,))
    with pytest.raises(Invalid):
        decided(Row(index=0, given={"unit": "g"}), present)
    assert decided(Row(index=0, given={"unit": "g"}, packs=(sack,)), present).offer.unit == "g"

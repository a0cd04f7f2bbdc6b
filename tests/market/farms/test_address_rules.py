"""Which delivery areas an address names, and that no way to write one makes a delivery cheaper."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harvestd.market.farms.address_rules import area_of, named_in, strictest


def area(name: str, codes: list[str] | None, fee: int = 0, minimum: int = 0, free_from: int | None = None) -> Any:
    return {"name": name, "postcodes": codes, "fee": fee, "minimum": minimum, "free_from": free_from}


TOWN, SUBURB, HILLS, ROUND = (
    area("Town", ["1010"], 490, 2000, 5000), area("Suburb", ["1020", "1010"], 300, 100), area("Hills", ["1030"], 0, 9000, 99), area("Round", None, 900),
)  # fmt: skip
DELIVERY = {"areas": [TOWN, SUBURB, HILLS, ROUND], "note": ""}


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("1 Mall, London SW1A 1AA", {"SW1A1AA"}), ("1 Mall, SW1A 2BB, near SW1A 1AA", {"SW1A", "SW1A1AA"}), ("SW1A\n1AA", {"SW1A"}),
        ("1010 Lane, 1020 Town", {"1010", "1020"}), ("101 0 Town", {"1010"}), ("1010 1020", {"1010", "1020"}), ("", set()), ("Lane 10", set()),
    ],
)  # fmt: skip
def test_a_part_of_a_longer_postcode_is_not_named_where_that_stands(address: str, named: set[str]) -> None:
    assert named_in(address, {"SW1A", "SW1A1AA", "1010", "1020"}) == named


@pytest.mark.parametrize(
    ("address", "name", "terms"),
    [
        ("Lane 1, 1010 Town", "Town", (490, 2000, 5000)), ("Lane 1, 1020 Suburb", "Suburb", (300, 100, None)), ("1030 Hills", "Hills", (0, 9000, 99)),
        # the fee of the dearest, free for nobody to whom one of them is never free, from the highest minimum
        ("1020 Lane, 1010 Town", "Town", (490, 2000, None)), ("1030 Lane, 1010 Town", "Town", (490, 9000, 5000)), ("1030, 1020", "Suburb", (300, 9000, None)),
        ("Lane 1, 9999 Far", "Round", (900, 0, None)),
    ],
)  # fmt: skip
def test_an_address_that_names_several_areas_has_the_strictest_of_their_terms(
    address: str, name: str, terms: tuple[Any, ...]
) -> None:
    found = area_of(DELIVERY, address)
    assert found is not None and found["name"] == name
    assert (found["fee"], found["minimum"], found["free_from"]) == terms


def test_without_an_area_nothing_is_known_of_a_delivery() -> None:
    assert area_of(None, "1010 Town") is None and area_of({"areas": [TOWN], "note": ""}, "9999 Far") is None


def charged(of: Any, goods: int) -> int:
    free = of["free_from"] is not None and goods >= of["free_from"]
    return 0 if free else int(of["fee"])


AMOUNTS = st.integers(0, 20)


@settings(max_examples=60, database=None, deadline=None)
@given(st.lists(st.tuples(AMOUNTS, AMOUNTS, st.none() | AMOUNTS), min_size=1, max_size=3), st.integers(0, 25))
def test_nothing_that_is_written_besides_makes_a_delivery_cheaper(terms: list[Any], goods: int) -> None:
    areas = [area(str(n), [f"10{n}0"], *of) for n, of in enumerate(terms)]
    found = strictest(areas)
    assert charged(found, goods) >= max(charged(one, goods) for one in areas)
    assert found["minimum"] == max(one["minimum"] for one in areas)
    delivery = {"areas": areas, "note": ""}
    written = {str(area_of(delivery, ", ".join(words))) for words in permutations(f"10{n}0" for n in range(len(areas)))}
    assert written == {str(found)}, "in any order"

"""The facts of food: their forms, and what is wrong with them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from harvestd.kernel import foreign
from harvestd.kernel.claims import MAX_CLAIMS, Certification, faults_in_part
from harvestd.kernel.errors import FieldError
from harvestd.market.catalogue.fact_rules import checked, gtin


@pytest.mark.parametrize("good", ["", "96385074", "036000291452", "4006381333931", "04006381333931"])
def test_a_gtin_has_a_check_digit(good: str) -> None:
    assert gtin("gtin", good) == good
    if good:
        other = good[:-1] + str((int(good[-1]) + 1) % 10)
        fault = gtin("gtin", other)
        assert isinstance(fault, FieldError) and fault.params == {"reason": "check-digit"}


@pytest.mark.parametrize(
    "bad", ["1", "9638507", "963850741", "4006381333931 ", "٤٠٠٦٣٨١٣٣٣٩٣١", "40063813339310000", "-4006381333931"]
)
def test_and_8_12_13_or_14_digits(bad: str) -> None:
    fault = gtin("gtin", bad)
    assert isinstance(fault, FieldError) and fault.params == {"reason": "gtin"}


@pytest.mark.parametrize("bad", ["", "a b", "é", "a\n", "a" * 65, "\u200b"])
def test_an_external_id_is_visible_and_ascii(bad: str) -> None:
    assert isinstance(foreign.external_id("external_id", bad), FieldError)
    assert foreign.external_id("external_id", "a" * 64) == "a" * 64
    assert foreign.external_id("external_id", None) is None


def test_facts_are_kept_in_one_form() -> None:
    given: dict[str, Any] = {
        "sku": " K  1 ", "lot": "\u200b", "ingredients": "Milk\r\n", "allergens": ["nuts", "milk", "nuts"], "metadata": {" a ": "b"},
        "certifications": (Certification(scheme=" EU  organic", valid_until=date(2026, 1, 1)), Certification(scheme="EU organic", valid_until=date(2026, 1, 1))),
    }  # fmt: skip
    found, wrong = checked(given)
    assert not wrong
    assert found == {
        "sku": "K 1", "lot": "", "ingredients": "Milk", "allergens": ("milk", "nuts"), "metadata": {"a": "b"},
        "certifications": (Certification(scheme="EU organic", valid_until=date(2026, 1, 1)),),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"sku": "a" * 65, "lot": "\x07", "origin": "b" * 201}, ["sku", "lot", "origin"]),
        ({"certifications": (Certification(scheme=""), Certification(scheme="x", number="n" * 101))}, ["certifications[0].scheme", "certifications[1].number"]),
        ({"certifications": (Certification(scheme="x"),) * (MAX_CLAIMS + 1)}, ["certifications"]),
        ({"metadata": {str(n): "" for n in range(51)}}, ["metadata"]),
        ({"metadata": {" a": "1", "a": "2"}}, ["metadata"]),
        ({"metadata": {"k" * 41: "", "": "", "b": "c" * 501, "d": "\x07"}}, ["metadata." + "k" * 40, "metadata.", "metadata.b", "metadata.d"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(given: dict[str, Any], fields: list[str]) -> None:
    assert [fault.field for fault in checked(given)[1]] == fields


def test_a_certification_that_is_readable_in_part_is_judged_by_that() -> None:
    faults = faults_in_part("certifications", {3: {"scheme": "\x07", "valid_until": None}, 4: {"number": "fine"}})
    assert [fault.field for fault in faults] == ["certifications[3].scheme"]

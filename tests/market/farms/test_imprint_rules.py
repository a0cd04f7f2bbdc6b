"""What an imprint may have, what every seller has to give, and what a change leaves as it was."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET

from harvestd.market.farms.imprint_rules import checked, lacking, merged


@pytest.mark.parametrize(
    ("before", "given", "after"),
    [
        ({}, {"legal_name": "A"}, {"legal_name": "A"}),
        ({"legal_name": "A", "register": "B"}, {"register": ""}, {"legal_name": "A"}),
        ({"legal_name": "A"}, {"legal_name": "C", "address": "D"}, {"legal_name": "C", "address": "D"}),
        ({"legal_name": "A"}, {}, {"legal_name": "A"}),
        ({"legal_name": "A"}, None, {}),
    ],
)
def test_a_change_keeps_what_it_does_not_name(before: Any, given: Any, after: Any) -> None:
    assert merged(before, given) == after


@pytest.mark.parametrize(
    ("name", "text", "kept"),
    [
        ("legal_name", "x" * 200, "x" * 200), ("legal_name", " \u200b ", ""), ("legal_name", " A\tB ", "A B"), ("legal_name", UNSET, None),
        ("address", "x" * 500, "x" * 500), ("address", "Road 1\r\nTown ", "Road 1\nTown"),
        ("register", "x" * 200, "x" * 200), ("tax_number", "x" * 50, "x" * 50), ("tax_number", "12/345/67890", "12/345/67890"),
        ("of_tomorrow", "x", None),
    ],
)  # fmt: skip
def test_a_text_is_kept_by_the_rules_of_all_texts(name: str, text: Any, kept: str | None) -> None:
    assert checked({name: text}) == ({} if kept is None else {name: kept}, [])


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("legal_name", "x" * 201, "too-long"), ("address", "x" * 501, "too-long"), ("register", "x" * 201, "too-long"),
        ("tax_number", "x" * 51, "too-long"), ("tax_number", "1\u00072", "control-character"),
    ],
)  # fmt: skip
def test_a_fault_names_its_field(name: str, text: str, code: str) -> None:
    texts, faults = checked({name: text, "register" if name != "register" else "address": "fine"})
    assert [(fault.field, fault.code) for fault in faults] == [(f"imprint.{name}", code)] and len(texts) == 1


@pytest.mark.parametrize(
    ("imprint", "fields"),
    [
        ({}, ["imprint.legal_name", "imprint.address"]), ({"legal_name": "A"}, ["imprint.address"]), ({"address": "B"}, ["imprint.legal_name"]),
        ({"legal_name": "A", "address": "B"}, []), ({"register": "C", "tax_number": "D"}, ["imprint.legal_name", "imprint.address"]),
    ],
)  # fmt: skip
def test_every_seller_has_a_name_and_an_address(imprint: dict[str, str], fields: list[str]) -> None:
    faults = list(lacking(imprint))
    assert [fault.field for fault in faults] == fields
    assert {(fault.code, fault.params["reason"]) for fault in faults} <= {("required", "imprint")}

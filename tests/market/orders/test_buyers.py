"""Who a guest is, as a body says it."""

from __future__ import annotations

from typing import Any

import pytest

from harvestd.kernel.errors import Invalid
from harvestd.market.orders.buyers import Buyer, Guest, guest, guest_faults

ADA = {"name": "Ada", "email": "ada@example.org", "phone": None}


def test_a_guest_is_who_they_say_as_an_account_is() -> None:
    given = {"name": " Ada \u200b Lovelace ", "email": " Ada@EXAMPLE.org ", "phone": "+43 (0)664 123-4567"}
    assert guest(given, "de") == Guest(
        name="Ada Lovelace", email="Ada@example.org", phone="+436641234567", language="de"
    )
    assert guest(ADA, "en").phone is None and guest(ADA | {"phone": ""}, "en").phone is None


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"name": ""}, "guest.name", "required"), ({"name": "\u200b"}, "guest.name", "not-visible"), ({"name": "x" * 201}, "guest.name", "too-long"),
        ({"name": "a\u0007b"}, "guest.name", "control-character"), ({"email": "ada"}, "guest.email", "not-an-email"), ({"email": "a@b.example\n,c@d.example"}, "guest.email", "not-an-email"),
        ({"email": ""}, "guest.email", "not-an-email"), ({"phone": "x"}, "guest.phone", "not-a-phone-number"), ({"phone": "\u0661\u0662\u0663\u0664\u0665\u0666"}, "guest.phone", "not-a-phone-number"),
    ],
)  # fmt: skip
def test_what_no_account_could_be_no_guest_can(change: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        guest(ADA | change, "en")
    assert [(e.field, e.code) for e in refused.value.errors] == [(field, code)]
    assert [(e.field, e.code) for e in guest_faults(change)] == [(field, code)]


def test_each_fault_is_told() -> None:
    assert [e.field for e in guest_faults({"name": "", "email": "", "phone": "x"})] == [
        "guest.name",
        "guest.email",
        "guest.phone",
    ]
    assert guest_faults({}) == []


def test_who_places_an_order_is_its_buyer_or_somebody_for_them() -> None:
    own, others, guests = (
        Buyer(user_id="a"),
        Buyer(user_id="a", placed_by="b"),
        Buyer(user_id=None, guest=guest(ADA, "en")),
    )
    assert [(one.actor_id, one.actor) for one in (own, others, guests)] == [
        ("a", "buyer"),
        ("b", "admin"),
        (None, "buyer"),
    ]

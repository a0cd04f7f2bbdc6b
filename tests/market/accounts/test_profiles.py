"""The profile: what a person says of themselves."""

from __future__ import annotations

from typing import Any

import pytest

from tests.people import Market


async def test_a_name_and_a_number_are_changed_and_a_number_taken_away(market: Market) -> None:
    buyer = await market.person()
    for change, phone in (
        ({"name": " Bo  B "}, None),
        ({"phone": "0664/123 45"}, "066412345"),
        ({}, "066412345"),
        ({"phone": None}, None),
    ):
        changed = await buyer.request("PATCH", "/api/users/me", change)
        assert changed.status == 200, changed.text
        assert (changed.json()["name"], changed.json()["phone"]) == ("Bo B", phone)
        assert (await buyer.get("/api/users/me")).json() == changed.json()
    assert "phone" not in (await market.stranger.get(f"/api/users/{buyer.id}")).json(), (
        "it is for the farms of an order"
    )


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"phone": "٠٦٦٤١٢٣٤٥"}, "phone", "not-a-phone-number"),
        ({"phone": "12345\n"}, "phone", "not-a-phone-number"),
        ({"name": "\u200b"}, "name", "not-visible"),
        ({"name": "x" * 201}, "name", "too-long"),
        ({"role": "admin"}, "role", None),
        ({"email": "x@example.org"}, "email", None),
    ],
)
async def test_what_is_no_name_or_number_is_refused_by_its_field(
    market: Market, change: dict[str, Any], field: str, code: str | None
) -> None:
    buyer = await market.person()
    refused = await buyer.request("PATCH", "/api/users/me", change)
    (error,) = refused.json()["errors"]
    assert (refused.status, error["field"]) == (422, field)
    assert code is None or error["code"] == code

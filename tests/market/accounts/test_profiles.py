"""The profile: what a person says of themselves."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from harvestd.parts import Parts
from tests.people import Market
from tests.web.conftest import make_market


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


async def test_a_language_of_the_market_is_chosen_and_taken_back(parts: Parts) -> None:
    market = make_market(attrs.evolve(parts, settings=attrs.evolve(parts.settings, market_languages=("de", "fr"))))
    buyer = await market.person()
    for change, language in (
        ({"language": "fr"}, "fr"),
        ({"name": "Bo"}, "fr"),
        ({"language": "en"}, "en"),
        ({"language": None}, None),
    ):
        changed = await buyer.request("PATCH", "/api/users/me", change)
        assert (changed.status, changed.json()["language"]) == (200, language)
    refused = await buyer.request("PATCH", "/api/users/me", {"language": "es", "phone": "x"})
    told = {error["field"]: error["params"] for error in refused.json()["errors"]}
    assert told == {"language": {"allowed": "de, fr, en"}, "phone": {}}
    assert "language" not in (await market.stranger.get(f"/api/users/{buyer.id}")).json()


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"phone": "٠٦٦٤١٢٣٤٥"}, "phone", "not-a-phone-number"),
        ({"phone": "12345\n"}, "phone", "not-a-phone-number"),
        ({"name": "\u200b"}, "name", "not-visible"),
        ({"name": "x" * 201}, "name", "too-long"),
        ({"language": "fr"}, "language", "not-one-of"),
        ({"language": "EN"}, "language", "not-one-of"),
        ({"language": "en\n"}, "language", "not-one-of"),
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

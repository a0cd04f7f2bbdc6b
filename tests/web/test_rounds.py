"""Whoever sends a form is told everything that is wrong with it in one answer: what cannot be read, and what the market has against the
rest."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harvestd.tables import ROUTES
from tests.people import Market

SIGN_UP = {"email": "nobody", "username": "!", "password": "short", "name": "Ann", "role": "buyer"}
NOBODYS = "0197f0a0-7c1e-7abc-8def-0123456789ab"
OFFER: dict[str, Any] = {"title": "Leeks", "unit": "bunch", "price": 200, "stock": 3}


async def wrong(market: Market, method: str, path: str, body: Any) -> dict[str, str]:
    """The fields that are refused, and as what; ``{farm}`` and ``{product}`` in a path are the farmer's."""
    farmer = await market.farmer()
    product = await market.product(farmer)
    headers = {"If-Match": "*"} if method == "PATCH" else {"Idempotency-Key": "one"}
    body = json.loads(json.dumps(body).replace("{product}", product["id"]))
    url = path.format(farm=farmer.farm_id, product=product["id"])
    who = await market.person("admin") if "categories" in path else farmer
    response = await who.client.request(method, url, json=body, headers=headers)
    assert response.status == 422, response.text
    return {error["field"]: error["code"] for error in response.json()["errors"]}


@pytest.mark.parametrize(
    ("method", "path", "body", "found"),
    [
        ("PATCH", "/api/users/me", {"name": "", "email": "x@y.z"}, {"name": "required", "email": "not-accepted"}),
        ("PATCH", "/api/users/me", {"name": 7, "phone": "1"}, {"name": "wrong-type", "phone": "not-a-phone-number"}),
        ("POST", "/api/products", {"title": 1, "unit": "sack", "price": "x", "stock": "-1"},
         {"title": "wrong-type", "unit": "not-one-of", "price": "wrong-type", "stock": "below-minimum"}),
        ("POST", "/api/products", {**OFFER, "stock": "1.5", "colour": "red"}, {"stock": "off-step", "colour": "not-accepted"}),
        ("POST", "/api/products", {**OFFER, "title": "\u0007", "price": -1, "stock": -1, "season": {"from": "02-31", "to": "03-01"}, "quantity_step": "0.5"},
         {"title": "control-character", "price": "below-minimum", "stock": "below-minimum", "season.from": "not-a-date", "quantity_step": "off-step"}),
        ("PATCH", "/api/products/{product}", {"price": {"amount": 1, "currency": "USD"}, "title": "", "season": {"from": "02-31", "to": "03-01"}},
         {"price.currency": "other-currency", "title": "required", "season.from": "not-a-date"}),
        ("PATCH", "/api/products/{product}", {"title": "", "unit": 1}, {"title": "required", "unit": "not-one-of"}),
        ("PATCH", "/api/farms/{farm}", {"location": {"latitude": 100}},
         {"location.latitude": "not-a-position", "location.longitude": "required"}),
        ("PATCH", "/api/farms/{farm}", {"location": {"latitude": 100, "longitude": -181, "address": "\u0007"}, "name": "\u200b", "order_minimum": -1},
         {"location.latitude": "not-a-position", "location.longitude": "not-a-position", "location.address": "control-character",
          "name": "not-visible", "order_minimum": "below-minimum"}),
        ("POST", "/api/categories", {"name": "\u200b", "color": "red"}, {"name": "not-visible", "color": "wrong-form"}),
        ("POST", "/api/products/{product}/stock", {"set": "x", "reason": "\u0007"}, {"set": "not-a-number", "reason": "control-character"}),
        ("POST", "/api/products/{product}/stock", {"set": -1, "reason": "\u0007"}, {"set": "below-minimum", "reason": "control-character"}),
        ("POST", "/api/orders", {"note": "\u0007", "expected_total": -1},
         {"note": "control-character", "expected_total": "below-minimum", "lines": "required"}),
        ("POST", "/api/orders", {"lines": [{"product_id": NOBODYS, "quantity": 0}, {"product_id": "{product}", "quantity": "0.001"}], "note": "\u0007",
                                "fulfilments": [{"farm_id": NOBODYS, "address": "\u0007"}]},
         {"lines[0].product_id": "not-for-sale", "lines[0].quantity": "below-minimum", "lines[1].quantity": "below-minimum",
          "note": "control-character", "fulfilments[0].address": "control-character"}),
        ("POST", "/api/orders", {"lines": [{"product_id": "{product}", "quantity": 0}], "fulfilment": {"method": "delivery"}},
         {"lines[0].quantity": "below-minimum", "fulfilment.address": "required"}),
        ("POST", "/api/orders", {"lines": [{"product_id": "{product}", "quantity": 0}], "fulfilment": {"pickup_point_id": NOBODYS}},
         {"lines[0].quantity": "below-minimum", "fulfilment.pickup_point_id": "not-found"}),
        ("POST", "/api/orders", {"lines": [], "note": "\u0007"}, {"lines": "required", "note": "control-character"}),
        ("PUT", "/api/cart/items", {"items": [{"product_id": NOBODYS, "quantity": 0}, {"product_id": "{product}", "quantity": "x"}]},
         {"items[0].quantity": "below-minimum", "items[1].quantity": "not-a-number"}),
        ("PUT", "/api/cart/items", {"items": [{"product_id": NOBODYS, "quantity": 0}, {"product_id": "{product}", "quantity": "0.001"}]},
         {"items[0].product_id": "not-for-sale", "items[0].quantity": "below-minimum", "items[1].quantity": "below-minimum"}),
        ("POST", "/api/products", {**OFFER, "price": {"amount": 10**13, "currency": "XXX"}, "price_per": {"quantity": -1, "unit": "kg"}, "season": {"from": "02-31", "to": "04-31"}},
         {"price.amount": "above-maximum", "price.currency": "other-currency", "price_per.quantity": "below-minimum",
          "price_per.unit": "not-one-of", "season.from": "not-a-date", "season.to": "not-a-date"}),
        ("POST", "/api/products/{product}/stock", {"set": -1, "change": "0.0001"}, {"set": "given-twice", "change": "off-step"}),
        ("POST", "/api/orders", {"note": "\u0007", "lines": 7}, {"note": "control-character", "lines": "wrong-type"}),
    ],
)  # fmt: skip
async def test_all_that_is_wrong_is_told_at_once(
    market: Market, method: str, path: str, body: Any, found: dict[str, str]
) -> None:
    assert await wrong(market, method, path, body) == found


@pytest.mark.parametrize("change", [{}, {"role": "king"}, {"colour": "red"}, {"name": 7}])
async def test_of_a_registration_too(market: Market, change: dict[str, Any]) -> None:
    response = await market.stranger.post("/api/auth/register", {**SIGN_UP, **change})
    assert response.status == 422
    assert {error["field"] for error in response.json()["errors"]} == {"email", "username", "password", *change}


async def test_a_field_that_is_wrong_is_told_of_once(market: Market) -> None:
    """Its rules do not look at what could not be read."""
    response = await market.stranger.post(
        "/api/auth/register", {**SIGN_UP, "role": "farmer", "farm_name": 7, "email": None}
    )
    fields = [error["field"] for error in response.json()["errors"]]
    assert sorted(fields) == ["email", "farm_name", "password", "username"]


#: Bodies whose every rule needs what is stored, or that have none.
BY_THEMSELVES = {
    "post_api_auth_login", "post_api_auth_refresh", "post_api_notifications_read", "post_api_auth_session", "post_api_auth_confirm",
    "post_api_auth_email_verify", "patch_api_admin_users_id", "post_api_auth_second_factor", "post_api_auth_second_factor_session", "post_api_users_me_second_factors_id_confirm", "patch_api_farms_id_members_user_id", "put_api_users_me_consents", "post_api_auth_second_factor_options",
    "post_api_auth_passkey", "post_api_auth_passkey_session", "put_api_users_me_avatar", "post_api_products_bulk", "post_api_products_import",
    "post_api_farms_id_weighings", "post_api_admin_clock",
}  # fmt: skip


def test_every_body_with_rules_of_its_own_names_them_in_the_table() -> None:
    assert {route.name for route in ROUTES if route.body is not None and route.rules is None} == BY_THEMSELVES


@pytest.mark.parametrize(
    ("method", "path", "name", "hint"),
    [
        ("POST", "/api/products", "category", "did you mean category_id?"),
        ("POST", "/api/products", "Title", "did you mean title?"),
        ("POST", "/api/products", "categoryId", "did you mean category_id?"),
        ("POST", "/api/products", "colour", "leave it out"),
        ("POST", "/api/products", "title" * 100, "leave it out"),
        ("POST", "/api/products", "qty", "leave it out"),
        ("PATCH", "/api/users/me", "telephone", "did you mean phone?"),
        ("PATCH", "/api/users/me", "colour", "possible: name, phone"),
        ("PATCH", "/api/products/{product}", "stock", "POST /api/products/{id}/stock"),
        ("PATCH", "/api/users/me", "email", "it is changed by PUT /api/users/me/email"),
        ("PATCH", "/api/farms/{farm}", "latitude", "it goes into location"),
        ("PATCH", "/api/farms/{farm}", "pickup_point", "did you mean pickup_points?"),
    ],
)
async def test_a_name_that_is_refused_comes_with_the_one_that_may_be_meant(
    market: Market, method: str, path: str, name: str, hint: str
) -> None:
    farmer = await market.farmer()
    product = await market.product(farmer)
    url = path.format(farm=farmer.farm_id, product=product["id"])
    body = {**({**OFFER} if method == "POST" else {}), name: 1}
    body = {known: value for known, value in body.items() if known == name or known != name.lower()}
    response = await farmer.client.request(
        method, url, json=body, headers={"If-Match": "*"} if method == "PATCH" else {}
    )
    errors = {error["field"]: error for error in response.json()["errors"]}
    assert (response.status, errors[name[:80]]["code"]) == (422, "not-accepted") and hint in errors[name[:80]][
        "message"
    ]


async def test_a_parameter_that_is_refused_comes_with_a_hint_as_well(market: Market) -> None:
    for query, message in (
        ("products?categories=roots", "did you mean category?"), ("search?query=tomato", "did you mean q?"),
        ("search?q=tomato&count=true", "leave it out"), ("farms?per_page=5", "did you mean limit?"),
        ("products?category_id=roots", "did you mean category?"), ("orders?cursor=a", "did you mean after?"),
        ("search/suggest?term=a", "did you mean q?"), ("notifications?nothing=1", "possible: limit, after, count, unread"),
        ("categories?q=a", "leave it out"),
    ):  # fmt: skip
        asker = (await market.person()) if query.startswith(("orders", "notif")) else market.stranger
        errors = (await asker.get(f"/api/{query}")).json()["errors"]
        (said,) = (error["message"] for error in errors if error["code"] == "not-accepted")
        assert said == f"is not accepted here; {message}", query

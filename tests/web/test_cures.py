"""What is said of a mistake names the cure, in either language; and what is to be sent is written as it is sent."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.kernel.tags import LANGUAGES
from harvestd.parts import Parts
from harvestd.web.pages.documents import problem_list, problem_page
from harvestd.web.problem_details import document, told_in
from harvestd.web.problems import BY_SLUG, PROBLEMS, Problem
from tests.people import Market, Person
from tests.web.conftest import make_market

NOBODYS = "0197f0a0-7c1e-7abc-8def-0123456789ab"
OFFER: dict[str, Any] = {"title": "Leeks", "unit": "kg", "price": 200, "stock": 3}
MINOR = 'must be in minor units: 350 is 3.50 EUR; or {"amount": 350, "currency": "EUR"}'
KLEINSTE = 'muss in der kleinsten Einheit der Währung angegeben sein: 350 sind 3,50 EUR; oder {"amount": 350, "currency": "EUR"}'
ALONE = "must be in minor units: 350 is 3.50 EUR"


@pytest.fixture
def bilingual(parts: Parts) -> Market:
    return make_market(attrs.evolve(parts, settings=attrs.evolve(parts.settings, market_languages=("en", "de"))))


async def told(who: Person, method: str, path: str, body: Any, language: str = "en") -> dict[str, str]:
    """The messages by field, each in the detail, too."""
    headers = {"If-Match": "*"} if method == "PATCH" else {"Idempotency-Key": "one"} if method == "POST" else {}
    answer = await who.client.request(method, path, json=body, headers={**headers, "Accept-Language": language})
    found = answer.json()
    assert (answer.status, answer.headers["content-language"]) == (422, language)
    first = found["errors"][0]
    assert found["detail"].startswith(f"{first['field']}: {first['message']}")
    return {error["field"]: error["message"] for error in found["errors"]}


@pytest.mark.parametrize(
    ("method", "path", "body", "field", "english", "german"),
    [
        *(("POST", "/api/products", {**OFFER, "price": price}, "price", MINOR, KLEINSTE) for price in (3.5, "3.50", "350", None, [])),
        ("POST", "/api/products", {**OFFER, "price": {"amount": 3.5, "currency": "EUR"}}, "price.amount", ALONE, KLEINSTE.partition(";")[0]),
        ("PATCH", "/api/farms/{farm}", {"order_minimum": "5"}, "order_minimum", MINOR, KLEINSTE),
        ("POST", "/api/orders", {"expected_total": 4.8}, "expected_total", f"{MINOR}, or null", KLEINSTE),
        ("GET", "/api/products?min_price=3.50", None, "min_price", ALONE, KLEINSTE.partition(";")[0]),
        ("GET", "/api/products?min_price=-1", None, "min_price", "must be a whole number from 0 to 9007199254740992", "muss mindestens 0 sein"),
        ("PUT", f"/api/cart/items/{NOBODYS}", {"quantity": "1,25"}, "quantity", 'must be a number, such as 1.25 or "1.250"', "muss eine Zahl in Ziffern sein, zum Beispiel 1.25"),
        ("PUT", "/api/cart/items/{product}", {"quantity": 0}, "quantity", "must be more than 0; DELETE /api/cart/items/{product_id} removes the product", "muss größer als 0 sein; DELETE /api/cart/items/{product_id} nimmt das Produkt heraus"),
        ("PUT", "/api/cart/items", {"items": [{"product_id": "{product}", "quantity": 0}]}, "items[0].quantity", "must be more than 0; DELETE /api/cart/items/{product_id} removes the product", "muss größer als 0 sein; DELETE /api/cart/items/{product_id} nimmt das Produkt heraus"),
        ("PUT", "/api/cart/items", {"items": [{"product_id": "x", "quantity": 0}]}, "items[0].quantity", "must be more than 0; DELETE /api/cart/items/{product_id} removes the product", "muss größer als 0 sein; DELETE /api/cart/items/{product_id} nimmt das Produkt heraus"),
        ("POST", "/api/products", {**OFFER, "category_id": "vegetables"}, "category_id", "must be an id from GET /api/categories, or null", "muss eine Kennung aus GET /api/categories sein"),
        ("POST", "/api/products", {**OFFER, "category_id": NOBODYS}, "category_id", "does not exist; GET /api/categories lists the categories", "gibt es nicht; alle stehen in GET /api/categories"),
        ("POST", "/api/orders", {"lines": [{"product_id": "eggs", "quantity": 1}]}, "lines[0].product_id", "must be an id from GET /api/products", "muss eine Kennung aus GET /api/products sein"),
        ("POST", "/api/orders", {"lines": [{"product_id": "{product}", "quantity": 1}], "fulfilment": {"pickup_point_id": NOBODYS}}, "fulfilment.pickup_point_id", "is not a pick-up point of Green Acres; GET /api/farms/{farm} lists them", "ist kein Abholort von Green Acres; alle stehen in GET /api/farms/{farm}"),
        ("POST", "/api/products", {**OFFER, "season": {"from": "June", "to": "10-31"}}, "season.from", "must be a day, MM-DD for every year or YYYY-MM-DD for one", "muss ein Tag oder eine Uhrzeit in der verlangten Form sein, zum Beispiel 05-01"),
        ("POST", "/api/products", {**OFFER, "season": {"from": "05-01", "to": "31-12"}}, "season.to", "must be a day, MM-DD for every year or YYYY-MM-DD for one", "muss ein Tag oder eine Uhrzeit in der verlangten Form sein, zum Beispiel 05-01"),
        ("GET", "/api/categories?q=a", None, "q", "is not accepted here; leave it out", "wird hier nicht angenommen, oder nicht zusammen mit den übrigen Angaben"),
        ("GET", "/api/orders?cursor=a", None, "cursor", "is not accepted here; did you mean after?", "wird hier nicht angenommen; meinten Sie after?"),
    ],
)  # fmt: skip
async def test_a_mistake_is_told_with_its_cure(
    bilingual: Market, method: str, path: str, body: Any, field: str, english: str, german: str
) -> None:
    farmer = await bilingual.farmer()
    product = await bilingual.product(farmer)

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("{product}", product["id"]).replace("{farm}", farmer.farm_id)
        if isinstance(value, dict):
            return {name: filled(one) for name, one in value.items()}
        return [filled(one) for one in value] if isinstance(value, list) else value

    for language, message in (("en", english), ("de", german)):
        found = await told(farmer, method, filled(path), filled(body), language)
        assert found[field] == filled(message)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "english", "german"),
    [
        ("GET", "/api/orders", {}, 401, "sign in: POST /api/auth/login, and send its access_token as Authorization: Bearer <token>; or, in a browser, POST /api/auth/session", "melden Sie sich an: POST /api/auth/login, und senden Sie dessen access_token als Authorization: Bearer <token>; oder, im Browser, POST /api/auth/session"),
        ("GET", "/api/orders", {"Authorization": "Bearer"}, 401, "the Authorization header has no token", "der Header Authorization hat kein Token"),
        ("GET", "/api/orders", {"Authorization": "Bearer x"}, 401, "the access token is not valid; sign in again", "das Zugriffstoken ist ungültig; melden Sie sich neu an"),
        ("GET", "/api/products/", {}, 404, "there is nothing at this address; leave out the slash at its end: /api/products", "unter dieser Adresse gibt es nichts; lassen Sie den Schrägstrich am Ende weg: /api/products"),
        ("GET", "/nowhere/", {}, 404, "there is nothing at this address", "unter dieser Adresse gibt es nichts"),
        ("GET", f"/api/orders/{NOBODYS}/", {}, 404, f"there is nothing at this address; leave out the slash at its end: /api/orders/{NOBODYS}", f"unter dieser Adresse gibt es nichts; lassen Sie den Schrägstrich am Ende weg: /api/orders/{NOBODYS}"),
        ("PUT", "/api/products", {}, 405, "PUT is not possible at this address; possible: GET, HEAD, OPTIONS, POST", "PUT ist unter dieser Adresse nicht möglich; möglich ist: GET, HEAD, OPTIONS, POST"),
        ("GET", "/api/products/none-such", {}, 404, "there is no such product", "dieses Produkt gibt es nicht"),
    ],
)  # fmt: skip
async def test_a_refusal_is_told_in_the_language_that_is_asked_for(
    bilingual: Market, method: str, path: str, headers: dict[str, str], status: int, english: str, german: str
) -> None:
    for language, detail in (("en", english), ("de", german)):
        answer = await bilingual.stranger.request(method, path, headers={**headers, "Accept-Language": language})
        assert (answer.status, answer.json()["detail"], answer.headers["content-language"]) == (
            status,
            detail,
            language,
        )


async def test_who_may_not_do_it_is_told_who_may(bilingual: Market) -> None:
    buyer = await bilingual.person()
    for method, path, body, roles in (
        ("POST", "/api/products", OFFER, "one of the roles admin, farmer, manager"), ("POST", "/api/categories", {"name": "a"}, "the role admin"),
    ):  # fmt: skip
        answer = await buyer.client.request(method, path, json=body)
        assert (answer.status, answer.json()["detail"]) == (403, f"this needs {roles}; yours is buyer")
        answer = await buyer.client.request(method, path, json=body, headers={"Accept-Language": "de"})
        assert answer.headers["content-language"] == "de" and answer.json()["detail"].endswith("; Ihre ist buyer")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.slug)
def test_every_row_of_the_table_is_told_in_each_language(problem: Problem, language: str) -> None:
    assert told_in(problem, None, language) == language


def test_a_detail_without_words_in_a_language_does_not_claim_to_be_in_it() -> None:
    error = KeyError("x")
    assert told_in(BY_SLUG["conflict"], Invalid("nobody has translated this", ()), "de") == "de, en"
    assert told_in(BY_SLUG["internal"], error, "de") == "de"


def test_the_detail_of_fields_is_their_messages_and_how_many_there_are_beside_them() -> None:
    errors = tuple(FieldError(name, "is missing", code="required") for name in "abcde")
    for language, detail in (
        ("en", "a: is missing; b: is missing; c: is missing; and 2 more"),
        ("de", "a: fehlt oder ist leer; b: fehlt oder ist leer; c: fehlt oder ist leer; und 2 weitere"),
    ):
        told_ = document(BY_SLUG["invalid"], Invalid("whatever", errors), "/", "id", language).decode()
        assert f'"detail":"{detail}"' in told_
        one = document(BY_SLUG["invalid"], Invalid("whatever", errors[:1]), "/", "id", language).decode()
        assert f'"detail":"{detail.partition(";")[0]}"' in one


def test_pages_of_problems_show_no_markup() -> None:
    pages = [problem_list(), *(problem_page(problem) for problem in PROBLEMS)]
    assert not [page for page in pages if b"`" in page]

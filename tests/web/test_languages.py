"""Errors are told in the client's language; codes, and all that is cached, are the same in each."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from harvestd.parts import Parts
from harvestd.settings.table import Settings
from harvestd.web.server import make_site
from tests.web.client import Client
from tests.web.conftest import make_market, make_parts
from tests.web.dummies import ROUTES
from tests.web.http.test_fast_path import GET, learned

GERMAN, BRITISH = {"Accept-Language": "de-AT, en;q=0.5"}, {"Accept-Language": "en-GB"}


@pytest.fixture
def bilingual(web_settings: Settings) -> Client:
    return Client(make_site(make_parts(attrs.evolve(web_settings, market_languages=("de",)), None), ROUTES))


async def test_a_problem_is_told_in_the_language_that_is_asked_for(bilingual: Client) -> None:
    german = await bilingual.get("/api/nothing-left", headers=GERMAN)
    english = await bilingual.get("/api/nothing-left", headers=BRITISH)
    assert (german.headers["content-language"], english.headers["content-language"]) == ("de", "en")
    assert german.headers["vary"] == english.headers["vary"] == "Accept-Language"
    assert german.headers["cache-control"] == english.headers["cache-control"] == "no-store"
    told = german.json()
    assert told["title"] == "Nicht mehr vorrätig"
    assert told["detail"] == "lines[0].quantity: vorrätig: 1,25 kg"
    assert told["errors"][0]["message"] == "vorrätig: 1,25 kg"
    assert english.json()["title"] == "Out of stock"


async def test_what_programs_read_is_the_same_in_every_language(bilingual: Client) -> None:
    def for_programs(answer: Any) -> Any:
        told = answer.json()
        errors = [{name: value for name, value in one.items() if name != "message"} for one in told["errors"]]
        return told["type"], told["status"], told["instance"], errors

    german = await bilingual.post("/api/echo", {"name": 1, "count": 0}, headers=GERMAN)
    english = await bilingual.post("/api/echo", {"name": 1, "count": 0}, headers=BRITISH)
    assert german.status == 422
    assert for_programs(german) == for_programs(english)
    assert german.json()["errors"][0]["message"] != english.json()["errors"][0]["message"]


async def test_who_asks_for_nothing_gets_the_default_of_the_market(bilingual: Client, client: Client) -> None:
    assert (await bilingual.get("/nowhere")).json()["title"] == "Das wurde nicht gefunden"
    assert (await client.get("/nowhere", headers=GERMAN)).headers["content-language"] == "en"


async def test_what_cannot_become_a_request_is_refused_in_the_default(bilingual: Client) -> None:
    wire = bilingual.connect()
    wire.send(b"GET / HTTP/1.1\r\nHost localhost\r\n\r\n")
    answer = await wire.receive()
    assert (answer.status, answer.headers["content-language"]) == (400, "de")
    assert answer.json()["title"] == "Die Anfrage ist nicht verständlich"


async def test_several_headers_are_one_list(bilingual: Client) -> None:
    wire = bilingual.connect()
    wire.send(b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\nAccept-Language: fr\r\nAccept-Language: en\r\n\r\n")
    assert (await wire.receive()).headers["content-language"] == "en"


async def test_what_is_cached_is_the_same_in_every_language_on_the_short_way_too(web_settings: Settings) -> None:
    ways = await learned(web_settings, market_languages=("de",))
    bodies = set()
    for language in (b"de", b"en", b"fr;q=0.5"):
        answer, short = await ways.ask(GET + b"Accept-Language: " + language + b"\r\n\r\n")
        assert short and answer.status == 200 and "content-language" not in answer.headers
        bodies.add((answer.body, answer.headers["etag"]))
    assert len(bodies) == 1


#: In every answer, so in no contract: what HTTP itself asks for, and security.
EVERYWHERE = {
    "server", "date", "content-type", "content-length", "cache-control", "content-security-policy", "x-content-type-options",
    "x-frame-options", "referrer-policy", "connection", "ratelimit", "ratelimit-policy",
}  # fmt: skip


@pytest.mark.parametrize(("method", "path"), [("post", "/api/echo"), ("get", "/api/mine"), ("get", "/api/admin")])
async def test_the_contract_has_each_header_of_a_problem(client: Client, method: str, path: str) -> None:
    contract = (await client.get("/openapi.json")).json()
    answer = await client.request(method.upper(), path, headers=GERMAN)
    assert answer.headers["content-type"].startswith("application/problem+json")
    told = contract["paths"][path][method]["responses"][str(answer.status)]["$ref"].rpartition("/")[2]
    headers = {name.lower() for name in contract["components"]["responses"][told]["headers"]}
    assert answer.headers.keys() - EVERYWHERE <= headers


async def test_what_a_cart_warns_of_is_told_in_the_language_that_is_asked_for(parts: Parts) -> None:
    settings = attrs.evolve(parts.settings, market_languages=("en", "de"))
    market = make_market(attrs.evolve(parts, settings=settings))
    farmer, buyer = await market.farmer(), await market.person()
    product = await market.product(farmer, title="Karotten")
    path = f"/api/products/{product['id']}"
    await buyer.request("PUT", f"/api/cart/items/{product['id']}", {"quantity": "1.05"})
    change = {"price": 400, "quantity_step": "0.5", "min_quantity": "0.5"}
    assert (await farmer.request("PATCH", path, change, If_Match="*")).status == 200
    await farmer.request("PATCH", f"/api/farms/{farmer.farm_id}", {"order_minimum": 1000}, If_Match="*")
    german = await buyer.get("/api/cart", headers=GERMAN)
    assert german.headers["vary"] == "Accept-Language"
    assert {one["code"]: one["message"] for one in german.json()["warnings"]} == {
        "price-changed": "der Preis von Karotten hat sich geändert: vorher 3,90 € für 1 kg, jetzt 4,00 € für 1 kg",
        "step-changed": "die Schrittweite von Karotten hat sich geändert: vorher 0,05 kg, jetzt 0,5 kg",
        "minimum-changed": "die Mindestmenge von Karotten hat sich geändert: vorher 0,05 kg, jetzt 0,5 kg",
        "quantity": "Karotten: die Menge muss ein Vielfaches von 0,5 kg sein",
        "order-minimum": "Green Acres nimmt Bestellungen ab 10,00 € an; es fehlen noch 5,80 €",
    }
    english = (await buyer.get("/api/cart", headers=BRITISH)).json()["warnings"]
    told = german.json()["warnings"]
    assert [one | {"message": ""} for one in english] == [one | {"message": ""} for one in told]
    assert all("Karotten" in one["message"] or "Green Acres" in one["message"] for one in english)
    put = await buyer.client.request(
        "PUT", "/api/cart/items", json={"items": [{"product_id": product["id"], "quantity": 1}]}, headers=GERMAN
    )
    assert [one["message"] for one in put.json()["warnings"]] == [
        "Green Acres nimmt Bestellungen ab 10,00 € an; es fehlen noch 6,00 €"
    ]

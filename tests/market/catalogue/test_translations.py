"""Products speak the market's languages: their farm writes them, and whoever asks is shown theirs."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from harvestd.market.search.postgres.engine import PostgresSearch
from harvestd.market.search.tongues import others
from harvestd.parts import Parts
from harvestd.store.postgres.statements import Statement, scalar
from tests.people import Market, Person
from tests.web.client import Response
from tests.web.conftest import make_market

FR = {"title": "Poireaux", "description": "De Vienne."}
LEEKS = {"title": "Lauch", "description": "Aus Wien.", "translations": {"fr": FR, "en": {"title": "Leeks"}}}
SEEN = Statement("test.titles_seen", "select title, title_seen from order_lines order by id", lambda *row: row)
TITLES = Statement("test.search_titles", "select language || ':' || key from search_titles order by 1", scalar)


def in_german(parts: Parts) -> Market:
    """A market in German, which speaks French and English, too."""
    settings = attrs.evolve(parts.settings, market_languages=("de", "fr"), search_language="german")
    search = PostgresSearch(parts.database, "german", others=others(("de", "fr", "en"), "german"))
    return make_market(attrs.evolve(parts, settings=settings, search=search))


@pytest.fixture
def spoken(parts: Parts) -> Market:
    return in_german(parts)


async def told(who: Any, path: str, language: str | None = None, **headers: str) -> Response:
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    answer: Response = await who.get(path, headers={**({"Accept-Language": language} if language else {}), **more})
    return answer


async def changed(farmer: Person, product: dict[str, Any], status: int = 200, **body: Any) -> dict[str, Any]:
    answer = await farmer.request("PATCH", f"/api/products/{product['id']}", body, If_Match="*")
    assert answer.status == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def vary(answer: Response) -> list[str]:
    return [text for name, text in answer.all if name.lower() == "vary"]


async def test_pages_and_lists_are_in_the_language_that_is_asked_for_by_either_way(spoken: Market) -> None:
    made = await spoken.product(await spoken.farmer(), **LEEKS)
    await spoken.work()
    for _ in range(3):  # from PostgreSQL, from the cache, and by the short way
        for language, title, description, said in (
            (None, "Lauch", "Aus Wien.", "de"), ("fr-CA, en;q=0.5", "Poireaux", "De Vienne.", "fr"), ("en", "Leeks", "Aus Wien.", "en"),
            ("de-AT", "Lauch", "Aus Wien.", "de"), ("es", "Lauch", "Aus Wien.", "de"),
        ):  # fmt: skip
            for path in (
                f"/api/products/{made['id']}",
                f"/api/products/{made['slug']}",
                "/api/products",
                "/api/search?q=lauch",
            ):
                answer = await told(spoken.stranger, path, language)
                one = answer.json()["items"][0] if "items" in answer.json() else answer.json()
                assert (one["title"], one["description"]) == (title, description), (path, language)
                assert answer.headers["content-language"] == said and "Accept-Language" in vary(answer)
                assert one["translations"] == {}, "only those who may change it get all"


async def test_a_market_of_one_language_says_nothing_of_languages(market: Market) -> None:
    made = await market.product(await market.farmer())
    for path in (f"/api/products/{made['id']}", "/api/products", "/api/search?q=x", "/api/search/suggest?q=x"):
        answer = await told(market.stranger, path, "de")
        assert "content-language" not in answer.headers and vary(answer) == ["Authorization, Accept-Encoding"], path
    assert market.parts.cache.state().size == 4


async def test_each_language_is_an_entry_of_the_cache_and_all_are_fresh_after_a_change(spoken: Market) -> None:
    farmer = await spoken.farmer()
    made = await spoken.product(farmer, **LEEKS)
    path = f"/api/products/{made['id']}"
    tags = {language: (await told(spoken.stranger, path, language)).headers["etag"] for language in ("de", "fr", "de")}
    assert tags["de"] != tags["fr"] and spoken.parts.cache.state().size == 2
    assert (await told(spoken.stranger, path, "fr", If_None_Match=tags["fr"])).status == 304
    assert (await told(spoken.stranger, path, "fr", If_None_Match=tags["de"])).status == 200
    await changed(farmer, made, translations={"fr": {"title": "Poireau"}})
    assert (await told(spoken.stranger, path, "fr")).json()["title"] == "Poireau"
    assert (await told(spoken.stranger, path, "en")).json()["title"] == "Leeks", "what a change leaves out stays"


async def test_its_farm_sees_its_own_texts_and_all_translations_in_any_language(spoken: Market) -> None:
    """Or it would write the French title over its own by sending back what it read."""
    farmer = await spoken.farmer()
    made = await spoken.product(farmer, **LEEKS)
    whole = {"fr": FR, "en": {"title": "Leeks", "description": ""}}
    manager, packer, buyer = [await spoken.person(role) for role in ("manager", "farmer", "buyer")]
    await spoken.join(packer, farmer.farm_id, "packer")
    for who in (farmer, manager):
        answer = await told(who, f"/api/products/{made['id']}", "fr")
        assert (answer.json()["title"], answer.json()["translations"]) == ("Lauch", whole)
        assert "content-language" not in answer.headers
    assert (await told(farmer, "/api/products?mine=true", "fr")).json()["items"][0]["translations"] == whole
    for other in (packer, buyer):
        one = (await told(other, f"/api/products/{made['id']}", "fr")).json()
        assert (one["title"], one["translations"]) == ("Poireaux", {})


async def test_a_change_is_merged_and_null_removes(spoken: Market) -> None:
    farmer = await spoken.farmer()
    made = await spoken.product(farmer, **LEEKS)
    one = await changed(farmer, made, translations={"fr": {"description": "De Linz."}})
    assert one["translations"]["fr"] == {"title": "Poireaux", "description": "De Linz."} and "en" in one["translations"]
    one = await changed(farmer, made, translations={"en": None})
    assert list(one["translations"]) == ["fr"] and one["version"] == made["version"] + 2
    assert (await changed(farmer, made, translations={}))["version"] == one["version"], "nothing has changed"
    assert (await changed(farmer, made, translations=None))["translations"] == {}


@pytest.mark.parametrize(
    ("translations", "fault"),
    [
        ({"de": {"title": "Porree"}}, ("translations", "not-one-of")), ({"es": {"title": "Puerro"}}, ("translations", "not-one-of")),
        ({"fr": {"title": "x" * 201}}, ("translations.fr.title", "too-long")), ({"fr": {"title": "\u200b"}}, ("translations.fr.title", "not-visible")),
        ({"fr": {"title": "x", "description": "\x07"}}, ("translations.fr.description", "control-character")),
        ({"fr": {"title": 7}}, ("translations.fr.title", "wrong-type")), ({"fr": {"title": "x", "name": "y"}}, ("translations.fr.name", "not-accepted")),
        ({"fr": 1}, ("translations.fr", "wrong-type")), ([], ("translations", "wrong-type")),
        ({n: {"title": "x"} for n in ("a", "b", "c", "d", "e")}, ("translations", "too-long")),
    ],
)  # fmt: skip
async def test_what_is_no_translation_is_refused_wherever_it_is_written(
    spoken: Market, translations: Any, fault: tuple[str, str]
) -> None:
    farmer = await spoken.farmer()
    body = {"title": "Lauch", "unit": "kg", "price": 390, "stock": 1, "translations": translations}
    made = await spoken.product(farmer)
    created = await farmer.post("/api/products", body)
    put = await farmer.request("PUT", f"/api/farms/{farmer.farm_id}/products/erp-1", body)
    for answer in (created.json(), put.json(), await changed(farmer, made, 422, translations=translations)):
        assert [(e["field"], e["code"]) for e in answer["errors"]] == [fault]
    bulk = (await farmer.post("/api/products/bulk", {"rows": [body]})).json()["results"][0]
    assert [(e["field"], e["code"]) for e in bulk["errors"]] == [(f"rows[0].{fault[0]}", fault[1])]


async def test_a_new_language_needs_a_title(spoken: Market) -> None:
    farmer = await spoken.farmer()
    made = await spoken.product(farmer)
    refused = await changed(farmer, made, 422, translations={"fr": {"description": "De Vienne."}})
    assert [(e["field"], e["code"]) for e in refused["errors"]] == [("translations.fr.title", "required")]


async def test_put_bulk_and_files_write_them(spoken: Market) -> None:
    farmer = await spoken.farmer()
    path = f"/api/farms/{farmer.farm_id}/products/erp-1"
    body = {"unit": "kg", "price": 390, "stock": 1, **LEEKS}
    assert (await farmer.request("PUT", path, body)).json()["translations"]["fr"] == FR
    less = {**body, "translations": {"en": {"title": "Leeks"}}}
    assert list((await farmer.request("PUT", path, less)).json()["translations"]) == ["en"], "the whole product"
    row = {"external_id": "erp-1", "translations": {"fr": {"title": "Poireaux"}}}
    assert (await farmer.post("/api/products/bulk", {"rows": [row]})).json()["results"][0]["status"] == "updated"
    own = (await farmer.get("/api/products?mine=true")).json()["items"][0]
    assert own["translations"] == {
        "en": {"title": "Leeks", "description": ""},
        "fr": {"title": "Poireaux", "description": ""},
    }
    for kind, name in (("csv", "title_fr"), ("jsonl", "translations")):
        file = (await farmer.get(f"/api/products/export.{kind}")).text
        assert "Poireaux" in file and name in file


async def test_a_product_is_found_by_any_of_its_titles_and_shown_by_one(spoken: Market) -> None:
    farmer = await spoken.farmer()
    made = await spoken.product(farmer, **LEEKS)
    await spoken.product(farmer, title="Kohl")
    await spoken.work()
    for q in ("lauch", "poireau", "POIREAUX", "vienne", "leek", "poirreaux"):
        for language, title in (("fr", "Poireaux"), ("de", "Lauch")):
            answer = (await told(spoken.stranger, f"/api/search?q={q}", language)).json()
            assert [one["title"] for one in answer["items"]] == [title], (q, language)
    found = (await told(spoken.stranger, "/api/search?q=poireaux", "fr")).json()["items"][0]
    assert found["highlight"]["title"] == "<em>Poireaux</em>"
    for q, language, text in (
        ("poi", "fr", "Poireaux"),
        ("lau", "fr", "Poireaux"),
        ("lau", "de", "Lauch"),
        ("lee", "en", "Leeks"),
    ):
        items = (await told(spoken.stranger, f"/api/search/suggest?q={q}", language)).json()["items"]
        assert [(one["text"], one["id"]) for one in items] == [(text, made["id"])], (q, language)
    assert await spoken.parts.database.rows(TITLES) == ["en:leeks", "fr:poireaux"]
    await changed(farmer, made, translations={"fr": None})
    await spoken.work()
    assert (await told(spoken.stranger, "/api/search?q=poireaux", "fr")).json()["items"] == []
    assert await spoken.parts.database.rows(TITLES) == ["en:leeks"]
    await farmer.request("DELETE", f"/api/products/{made['id']}", None, If_Match="*")
    await spoken.work()
    assert await spoken.parts.database.rows(TITLES) == []


async def test_cart_and_order_have_the_buyer_s_title_and_the_farm_its_own(spoken: Market) -> None:
    farmer, buyer = await spoken.farmer(), await spoken.person()
    made = await spoken.product(farmer, **LEEKS)
    french = {"Accept_Language": "fr"}
    cart = (await buyer.request("PUT", f"/api/cart/items/{made['id']}", {"quantity": 9}, **french)).json()
    assert cart["parts"][0]["lines"][0]["title"] == "Poireaux"
    assert [w["params"]["title"] for w in cart["warnings"]] == ["Poireaux"]
    assert "Poireaux" in cart["warnings"][0]["message"]
    short = await buyer.post("/api/orders", {}, Idempotency_Key="a", **french)
    assert short.json()["errors"][0]["params"]["title"] == "Poireaux"
    await buyer.request("PUT", f"/api/cart/items/{made['id']}", {"quantity": 1}, **french)
    order = (await buyer.post("/api/orders", {}, Idempotency_Key="b", **french)).json()
    path = f"/api/orders/{order['id']}"
    assert order["lines"][0]["title"] == "Poireaux"
    assert (await buyer.get(path)).json()["lines"][0]["title"] == "Poireaux", "in whatever language it is read"
    assert (await farmer.get(path)).json()["lines"][0]["title"] == "Lauch"
    assert (await told(farmer, path, "fr")).json()["lines"][0]["title"] == "Lauch"
    assert await spoken.parts.database.rows(SEEN) == [("Lauch", "Poireaux")]
    await spoken.work()
    assert spoken.broken(at_rest=True) == []

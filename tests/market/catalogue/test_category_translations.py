"""Categories speak the market's languages."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import attrs
import pytest

from harvestd.parts import Parts
from tests.market.catalogue.test_translations import in_german
from tests.people import Market, Person
from tests.web.client import Response
from tests.web.conftest import make_market

PATH = "/api/categories"
ROOTS = {"name": "Wurzelgemüse", "description": "Aus der Erde.", "translations": {
    "fr": {"name": "Légumes racines", "description": "De la terre."}, "en": {"name": "Roots"},
}}  # fmt: skip


@pytest.fixture
def spoken(parts: Parts) -> Market:
    """A market in German, which speaks French and English, too."""
    return make_market(attrs.evolve(parts, settings=attrs.evolve(parts.settings, market_languages=("de", "fr"))))


async def asked(market: Market, language: str | None, **headers: str) -> Response:
    more = {} if language is None else {"Accept-Language": language}
    return await market.stranger.get(
        PATH, headers={**more, **{name.replace("_", "-"): text for name, text in headers.items()}}
    )


async def tended(
    market: Market, body: dict[str, Any], path: str = PATH, status: int = 201
) -> tuple[Person, dict[str, Any]]:
    admin = await market.person("admin")
    answer = await admin.request("POST" if status != 200 else "PATCH", path, body, If_Match="*")
    assert answer.status == status, answer.text
    return admin, answer.json()


async def test_categories_are_told_in_the_language_that_is_asked_for(spoken: Market) -> None:
    await tended(spoken, ROOTS)
    for _ in range(3):  # from PostgreSQL, from the cache, and never by the short way of another language
        for language, name, description, told in (
            (None, "Wurzelgemüse", "Aus der Erde.", "de"), ("de-AT", "Wurzelgemüse", "Aus der Erde.", "de"),
            ("fr-CA, en;q=0.5", "Légumes racines", "De la terre.", "fr"), ("en", "Roots", "Aus der Erde.", "en"), ("es", "Wurzelgemüse", "Aus der Erde.", "de"),
        ):  # fmt: skip
            answer = await asked(spoken, language)
            (one,) = answer.json()["items"]
            assert (one["name"], one["description"], answer.headers["content-language"]) == (name, description, told), (
                language
            )
            assert [text for name, text in answer.all if name.lower() == "vary"] == [
                "Accept-Language",
                "Authorization, Accept-Encoding",
            ]
            assert one["translations"]["fr"] == ROOTS["translations"]["fr"]  # type: ignore[index]


async def test_each_language_has_its_own_etag_and_is_fresh_after_a_change(spoken: Market) -> None:
    _, made = await tended(spoken, ROOTS)
    tags = {language: (await asked(spoken, language)).headers["etag"] for language in ("de", "fr")}
    assert tags["de"] != tags["fr"]
    assert (await asked(spoken, "fr", If_None_Match=tags["fr"])).status == 304
    assert (await asked(spoken, "fr", If_None_Match=tags["de"])).status == 200
    body = {"translations": {"fr": {"name": "Racines"}}}
    await tended(spoken, body, f"{PATH}/{made['id']}", 200)
    assert (await asked(spoken, "fr")).json()["items"][0]["name"] == "Racines"
    assert (await asked(spoken, "en")).json()["items"][0]["name"] == "Roots", "what a change leaves out stays"
    await tended(spoken, {"translations": {"en": None}}, f"{PATH}/{made['id']}", 200)
    assert (await asked(spoken, "en")).json()["items"][0]["name"] == "Wurzelgemüse"


@pytest.mark.parametrize(
    ("translations", "fault"),
    [
        ({"de": {"name": "Wurzeln"}}, ("translations", "not-one-of")), ({"es": {"name": "Raíces"}}, ("translations", "not-one-of")),
        ({"fr": {"name": "\u200b"}}, ("translations.fr.name", "not-visible")), ({"fr": {"name": "x", "description": "\x07"}}, ("translations.fr.description", "control-character")),
    ],
)  # fmt: skip
async def test_what_is_no_translation_is_refused(
    spoken: Market, translations: dict[str, Any], fault: tuple[str, str]
) -> None:
    _, refused = await tended(spoken, {"name": "Wurzeln", "translations": translations}, status=422)
    assert [(e["field"], e["code"]) for e in refused["errors"]] == [fault]


async def test_products_are_found_and_categories_suggested_by_their_names_in_any_language(parts: Parts) -> None:
    """Which are what somebody reads in their language; also a name that was changed a moment ago."""
    spoken = in_german(parts)
    _, made = await tended(spoken, ROOTS)
    farmer = await spoken.farmer()
    await spoken.product(farmer, title="Möhren", category_id=made["id"])
    await spoken.product(farmer, title="Kohl")
    await spoken.work()

    async def found(q: str) -> list[str]:
        return [one["title"] for one in (await spoken.stranger.get(f"/api/search?q={quote(q)}")).json()["items"]]

    async def suggested(q: str, language: str) -> list[tuple[str, str, str]]:
        headers = {"Accept-Language": language}
        items = (await spoken.stranger.get(f"/api/search/suggest?q={quote(q)}", headers=headers)).json()["items"]
        return [(one["kind"], one["text"], one["slug"]) for one in items]

    for q in ("wurzelgemüse", "légume", "legumes racines", "racine", "roots", "root"):
        assert await found(q) == ["Möhren"], q
    expected = [("category", "Légumes racines", made["slug"])]
    for q in ("lég", "LEGUMES R", "rac", "racines"):
        assert await suggested(q, "fr") == expected, q
    assert await suggested("roo", "en") == [("category", "Roots", made["slug"])]
    assert await suggested("roo", "fr") == [] == await suggested("racin", "de")
    body = {"translations": {"fr": {"name": "Tubercules"}}}
    await tended(spoken, body, f"{PATH}/{made['id']}", 200)
    await spoken.work()
    assert (await found("tubercule"), await found("racines")) == (["Möhren"], [])
    assert await suggested("tub", "fr") == [("category", "Tubercules", made["slug"])]


async def test_products_are_filtered_by_a_category_s_name_in_any_language(parts: Parts) -> None:
    """The reader's own first."""
    spoken = in_german(parts)
    _, made = await tended(spoken, ROOTS)
    _, other = await tended(spoken, {"name": "Tiere", "translations": {"fr": {"name": "Roots"}}})
    farmer = await spoken.farmer()
    for title, category in (("Möhren", made), ("Gans", other)):
        await spoken.product(farmer, title=title, category_id=category["id"])
    await spoken.work()

    async def listed(name: str, language: str, path: str) -> list[str]:
        answer = await spoken.stranger.get(f"{path}?category={quote(name)}", headers={"Accept-Language": language})
        assert answer.status == 200, answer.text
        return sorted(one["title"] for one in answer.json()["items"])

    for path in ("/api/products", "/api/search"):
        for language in ("de", "fr", "en"):
            for name in ("Wurzelgemüse", "légumes racines", "LEGUMES RACINES"):
                assert await listed(name, language, path) == ["Möhren"], (name, language)
        assert [await listed("roots", language, path) for language in ("en", "fr")] == [["Möhren"], ["Gans"]]
        assert await listed("roots", "de", path) == ["Gans", "Möhren"]
    feed = await spoken.stranger.get(
        f"/api/feed.atom?category={quote('légumes racines')}", headers={"Accept-Language": "fr"}
    )
    assert feed.status == 200 and "Möhren" in feed.text and "Gans" not in feed.text

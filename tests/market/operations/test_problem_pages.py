"""The page that a problem's type names, in the market's languages."""

from __future__ import annotations

import re
from html import unescape

import attrs
import pytest

from harvestd.kernel import languages
from harvestd.parts import Parts
from harvestd.web.problems import PROBLEMS
from tests.people import Market
from tests.web.client import Response
from tests.web.conftest import make_market


@pytest.fixture
def spoken(parts: Parts) -> Market:
    settings = attrs.evolve(parts.settings, market_languages=("de", "fr", "es"))
    return make_market(attrs.evolve(parts, settings=settings))


async def page(market: Market, slug: str, language: str = "", accept: str = "text/html") -> Response:
    headers = {"Accept": accept} | ({"Accept-Language": language} if language else {})
    answer = await market.stranger.get(f"/problems/{slug}", headers=headers)
    assert answer.status == 200, answer.text
    return answer


@pytest.mark.parametrize(
    ("asked", "told", "words"),
    [
        ("", "de", ("Ursache", "Abhilfe", "Status 404, Art")),
        ("fr-CA, en;q=0.5", "fr", ("Cause", "Remède", "Statut 404")), ("es", "es", ("Causa", "Remedio", "Estado 404")),
        ("en", "en", ("This could not be found", "Cause", "Cure", "Check the address and the id", "Status 404, type")),
        ("it", "de", ("Ursache", "Prüfen Sie die Adresse")),
    ],
)  # fmt: skip
async def test_a_problem_s_page_is_in_the_language_that_is_asked_for(
    spoken: Market, asked: str, told: str, words: tuple[str, ...]
) -> None:
    """Of the market's; and so is the same as JSON, while its type is one in all."""
    answer = await page(spoken, "not-found", asked)
    assert answer.headers["content-language"] == told and f'<html lang="{told}">' in answer.text
    assert {"Accept", "Accept-Language"} <= {text for name, text in answer.all if name.lower() == "vary"}
    assert answer.headers["content-type"].startswith("text/html")
    row = next(one for one in PROBLEMS if one.slug == "not-found")
    title = languages.title(row.title, told)
    assert f"<h1>{title}</h1>" in answer.text and "<code>/problems/not-found</code>" in answer.text
    assert all(text in answer.text for text in words)
    told_as_json = await page(spoken, "not-found", asked, "application/json")
    found = told_as_json.json()
    assert (found["type"], found["status"], found["title"]) == ("/problems/not-found", 404, title)
    assert told_as_json.headers["content-language"] == told
    assert told == "en" or found["cure"] != row.cure
    assert unescape(re.sub(r"<.*?>", "", answer.text)).count(found["cause"]) == 1


async def test_a_market_of_one_language_speaks_that(market: Market) -> None:
    answer = await page(market, "not-found", "de")
    assert "content-language" not in answer.headers and "Check the address" in answer.text

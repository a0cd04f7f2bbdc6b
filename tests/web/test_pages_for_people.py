"""What people see in a browser is in the language that it asks for, of those of the market."""

from __future__ import annotations

import re

import attrs
import pytest

from harvestd.kernel.catalogues import WORDS
from harvestd.kernel.tags import LANGUAGES
from harvestd.parts import Parts
from harvestd.web.pages import people
from harvestd.web.pages.documents import static
from harvestd.web.pages.people import TEXTS
from tests.english import english_in
from tests.people import Market
from tests.web.conftest import make_market

#: Attributes that are for browsers.
SAID = re.compile(r'data-(?!id)[a-z-]+="([^"]*)"')


def words_of(page: bytes) -> str:
    """What a page says, with what ``account.js`` says later."""
    text = page.decode()
    return "\n".join([re.sub(r"<[^>]*>|<code>.*?</code>", "\n", text), *SAID.findall(text)])


@pytest.fixture
def market(parts: Parts) -> Market:
    return make_market(attrs.evolve(parts, settings=attrs.evolve(parts.settings, market_languages=("de", "fr"))))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_mailed_links_says_each_of_its_texts_in_the_language(language: str) -> None:
    page = people.account("Märkt", 12, language, ("de", "fr"), True, "https://accounts.google.com").decode()
    assert page.startswith(f'<!doctype html><html lang="{language}">')
    for name in TEXTS.keys() - {"missing", "start", "api", "kind of problem", "cause", "cure"}:
        said = TEXTS[name] if language == "en" else WORDS[language].page[TEXTS[name]]
        values = {"market": "Märkt", "least": 12, "issuer": "Google", "domain": "", "origin": ""}
        whole = said.partition("[")[0].format(**values, name="{name}", words="{words}", email="{email}")
        assert whole.strip() and whole.replace("'", "&#x27;") in page, name
    assert 'href="/account#forgot"' in page
    said = re.sub(r"<code>[a-z:]+</code>", "", page)  # names of rights, which are the contract's
    assert language == "en" or english_in(words_of(said.encode())) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_missing_page_is_missing_in_each_language(language: str) -> None:
    page = people.missing("/<x>", "…", language)
    assert f'lang="{language}"'.encode() in page and b"&lt;x&gt;" in page
    assert language == "en" or english_in(words_of(page)) == set()


@pytest.mark.parametrize(("links", "issuer"), [(True, "https://id.example.org"), (False, "")])
def test_the_page_offers_the_ways_in_that_the_market_has(links: bool, issuer: str) -> None:
    page = people.account("M", 12, "en", ("de",), links, issuer).decode()
    assert ('id="ask-link"' in page) == links
    assert (
        ("Sign in with id.example.org" in page)
        == ('href="/api/auth/google?return_to=/account"' in page)
        == bool(issuer)
    )


def test_what_a_market_is_called_is_no_markup() -> None:
    assert b"<b>" not in people.account("<b>&{x}", 12, "en")


@pytest.mark.parametrize(("accepted", "language"), [("fr-CH, en;q=0.5", "fr"), ("en", "en"), ("es", "de"), ("", "de")])
async def test_a_browser_gets_the_page_in_the_language_that_it_asks_for(
    market: Market, accepted: str, language: str
) -> None:
    headers = {"Accept": "text/html"} | ({"Accept-Language": accepted} if accepted else {})
    for path, status in (("/account", 200), ("/acount", 404)):
        answer = await market.stranger.get(path, headers=headers)
        assert (answer.status, answer.headers["content-language"]) == (status, language)
        assert "Accept-Language" in answer.headers["vary"] and f'lang="{language}"' in answer.text


async def test_a_missing_page_whose_reason_has_no_words_says_so(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harvestd.kernel.languages.sentence", lambda english, language: None)
    answer = await market.stranger.get("/acount", headers={"Accept": "text/html", "Accept-Language": "fr"})
    assert answer.headers["content-language"] == "fr, en"


@pytest.mark.parametrize("name", ["account.js", "things.js", "own.js", "passkeys.js"])
def test_the_scripts_of_the_page_say_nothing_of_their_own(name: str) -> None:
    """What they say stands in the page, in its language."""
    script = "\n".join(line.partition("//")[0] for line in static(name).decode().splitlines())
    said = [text for text in re.findall(r"[\"'`]([^\"'`\n]*)[\"'`]", script) if english_in(text)]
    assert said == []

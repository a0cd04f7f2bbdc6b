"""What is new, as feed readers take it: feedparser reads it without a complaint, and it is XML whatever people have typed."""

from __future__ import annotations

import base64
from typing import Any
from xml.etree import ElementTree

import brotli
import feedparser
import pytest

from harvestd.market.feeds import routes
from harvestd.parts import Parts
from tests.market.feeds.stalls import HERE, hidden, public, read
from tests.people import Market
from tests.uploading import picture
from tests.waiting import eventually

FEED = "/api/feed.atom"
ATOM = {"a": "http://www.w3.org/2005/Atom"}
#: Where its links may lead.
PLACES = (f"{HERE}/", "https://shop.example.org/")
#: What would end an element, an attribute, a document, or be none.
ODD = '<b>Bread</b> & "rolls" ]]> \' \U0001f955 &amp; </title>'


async def parsed(market: Market, path: str = FEED) -> Any:
    answer = await read(market, path)
    assert answer.headers["content-type"] == "application/atom+xml"
    found = feedparser.parse(answer.body)
    assert not found.bozo, found.get("bozo_exception")
    _whole(ElementTree.fromstring(answer.body))
    return found


def _whole(feed: ElementTree.Element) -> None:
    """RFC 4287, 4.1.1 and 4.1.2: what a feed and an entry have exactly once."""
    for one in (feed, *feed.findall("a:entry", ATOM)):
        for name in ("id", "title", "updated"):
            assert len(one.findall(f"a:{name}", ATOM)) == 1, name
        links = [(link.get("rel"), link.get("type"), link.get("hreflang")) for link in one.findall("a:link", ATOM)]
        assert len(links) == len(set(links))
        for link in one.findall("a:link", ATOM):
            assert link.attrib["href"].startswith(PLACES)
    for entry in feed.findall("a:entry", ATOM):
        assert [len(entry.findall(f"a:author/a:{name}", ATOM)) for name in ("name", "uri")] == [1, 1]


async def test_the_newest_products_come_first_with_their_farm_as_the_author(parts: Parts) -> None:
    market = public(parts, market_name="The Market", market_languages=("de", "en"))
    farmer, other = await market.farmer("Green Acres"), await market.farmer("Blue Acres")
    old = await market.product(farmer, title="Carrots", description="Sweet ones.\n\nWashed.", tags=["organic"])
    new = await market.product(other, title="Eggs", unit="box", price=480)
    found = await parsed(market)
    assert (found.feed.title, found.feed.id, found.feed.language) == ("The Market", f"{HERE}{FEED}", "de")
    assert [link.href for link in found.feed.links if link.rel == "self"] == [f"{HERE}{FEED}"]
    assert [entry.title for entry in found.entries] == ["Eggs", "Carrots"]
    eggs, carrots = found.entries
    assert (eggs.id, eggs.link, eggs.author) == (
        f"urn:uuid:{new['id']}", f"{HERE}/api/products/{new['slug']}", "Blue Acres",
    )  # fmt: skip
    assert (eggs.published, eggs.updated) == (new["created_at"], new["updated_at"])
    assert found.feed.updated == max(old["updated_at"], new["updated_at"])
    assert eggs.summary == "4,80 € / Kiste" and "content" not in eggs
    assert carrots.content[0].value == "Sweet ones.\n\nWashed." and carrots.content[0].type == "text/plain"
    assert [tag.term for tag in carrots.tags] == ["organic"]


async def test_it_speaks_the_language_that_is_asked_for(parts: Parts) -> None:
    """Titles, units and the names of categories; each language is kept by itself."""
    market = public(parts, market_name="The Market", market_languages=("en", "de"))
    admin, farmer = await market.person("admin"), await market.farmer("Green Acres")
    roots = {"name": "Roots", "translations": {"de": {"name": "Wurzeln"}}}
    category = (await admin.post("/api/categories", roots)).json()["id"]
    texts = {"de": {"title": "Möhren", "description": "Süße."}}
    await market.product(
        farmer, title="Carrots", description="Sweet.", unit="bunch", price=250, category_id=category, translations=texts
    )
    await market.product(farmer, title="Eggs", unit="each", price=50)
    for _ in range(3):
        for language, said in (("de", ("Wurzeln", "Möhren", "2,50 € / Bund", "Süße.", "0,50 € / Stück")), ("en", ("Roots", "Carrots", "€2.50 / bunch", "Sweet.", "€0.50")), ("", ("Roots", "Carrots", "€2.50 / bunch", "Sweet.", "€0.50"))):  # fmt: skip
            answer = await read(market, f"{FEED}?category=roots", **({"Accept_Language": language} if language else {}))
            found = feedparser.parse(answer.body)
            (entry,) = found.entries
            category_name, title, summary, content, price = said
            assert (found.feed.title, found.feed.language) == (f"The Market – {category_name}", language or "en")
            assert (entry.title, entry.summary, entry.content[0].value) == (title, summary, content)
            assert entry.tags[0].label == category_name
            assert answer.headers["content-language"] == (language or "en")
            assert "Accept-Language" in [text for name, text in answer.all if name.lower() == "vary"]
            every = feedparser.parse((await read(market, FEED, **({"Accept_Language": language} if language else {}))).body)  # fmt: skip
            assert every.entries[0].summary == price, "a piece has a word, or none"


async def test_it_leads_to_the_shop_where_that_has_pages(parts: Parts) -> None:
    shop = "https://shop.example.org"
    market = public(parts, product_page=f"{shop}/p/{{id}}", farm_page=f"{shop}/f/{{slug}}")
    farmer = await market.farmer("Green Acres")
    made = await market.product(farmer)
    (entry,) = (await parsed(market)).entries
    assert (entry.link, entry.author_detail.href) == (f"{shop}/p/{made['id']}", f"{shop}/f/{made['farm']['slug']}")
    assert entry.id == f"urn:uuid:{made['id']}", "whatever the address is"


async def test_an_empty_market_has_a_feed_too(parts: Parts) -> None:
    found = await parsed(public(parts))
    assert found.entries == [] and found.feed.updated == "1970-01-01T00:00:00Z"


async def test_only_what_is_published_of_a_verified_farm_is_in_it(parts: Parts) -> None:
    market = public(parts)
    farmer = await market.farmer()
    await market.product(farmer, title="Carrots")
    await hidden(market, farmer)
    assert [entry.title for entry in (await parsed(market)).entries] == ["Carrots"]


@pytest.mark.parametrize("text", [ODD, "x" * 200, "\u202ename"])
async def test_whatever_people_have_typed_it_is_xml(parts: Parts, text: str) -> None:
    market = public(parts, market_name=text)
    farmer = await market.farmer(text)
    made = await market.product(farmer, title=text, description=text, tags=[text[:40]])
    (entry,) = ElementTree.fromstring((await read(market, FEED)).body).findall("a:entry", ATOM)
    shown = [entry.findtext(name, "", ATOM) for name in ("a:title", "a:content", "a:author/a:name")]
    assert shown == [made["title"], made["description"], made["farm"]["name"]]


async def test_a_feed_of_some_farms_and_categories(parts: Parts) -> None:
    market = public(parts, market_name="The Market")
    admin, farmer, other = await market.person("admin"), await market.farmer("Green Acres"), await market.farmer("Blue")
    roots = (await admin.post("/api/categories", {"name": "Roots"})).json()
    await market.product(farmer, title="Carrots", category_id=roots["id"])
    await market.product(farmer, title="Leeks")
    await market.product(other, title="Beets", category_id=roots["id"])
    slug = (await market.stranger.get(f"/api/farms/{farmer.farm_id}")).json()["slug"]
    for query, titles, title in (
        (f"farm={slug}", ["Leeks", "Carrots"], "The Market – Green Acres"),
        (f"farm={farmer.farm_id}", ["Leeks", "Carrots"], "The Market – Green Acres"),
        ("category=roots", ["Beets", "Carrots"], "The Market – Roots"),
        (f"category=roots&farm={slug}", ["Carrots"], "The Market – Green Acres – Roots"),
    ):
        found = await parsed(market, f"{FEED}?{query}")
        assert ([entry.title for entry in found.entries], found.feed.title) == (titles, title), query
        assert found.feed.id == f"{HERE}{FEED}?{query}"
        terms = [tag.term for entry in found.entries for tag in entry.get("tags", ())]
        assert terms == ["roots"] * terms.count("roots") and terms
    refused = await read(market, f"{FEED}?farm=nowhere", 422)
    assert refused.json()["errors"][0]["field"] == "farm"


async def test_who_has_the_feed_is_told_so_until_something_is_new(parts: Parts) -> None:
    market = public(parts)
    farmer = await market.farmer()
    product = await market.product(farmer, title="Carrots")
    first = await read(market, FEED)
    tag = first.headers["etag"]
    assert (await read(market, FEED, 304, If_None_Match=tag)).body == b""
    for change in (
        farmer.request("PATCH", f"/api/products/{product['id']}", {"title": "Beets"}, If_Match="*"),
        farmer.request("PATCH", f"/api/farms/{farmer.farm_id}", {"name": "Other Acres"}, If_Match="*"),
        farmer.post("/api/products", {"title": "Leeks", "unit": "kg", "price": 1, "stock": 1}),
        farmer.request("DELETE", f"/api/products/{product['id']}", If_Match="*"),
    ):
        assert (await change).status < 300
        await market.work()
        again = await read(market, FEED, If_None_Match=tag)
        assert again.headers["etag"] != tag
        tag = again.headers["etag"]


async def test_a_suspended_farm_leaves_the_feed_at_once(parts: Parts) -> None:
    market = public(parts)
    farmer, admin = await market.farmer(), await market.person("admin")
    await market.product(farmer)
    assert len((await parsed(market)).entries) == 1
    body = {"state": "suspended", "reason": "x"}
    assert (await admin.post(f"/api/farms/{farmer.farm_id}/verification", body)).status == 200
    await market.work()
    assert (await parsed(market)).entries == []


async def test_a_picture_goes_with_its_entry(parts: Parts) -> None:
    market = public(parts)
    farmer = await market.farmer()
    product = await market.product(farmer)
    body = {"content": base64.b64encode(picture()).decode(), "alt": 'A "crate"'}
    assert (await farmer.post(f"/api/products/{product['id']}/images", body)).status == 202
    await market.work()
    (entry,) = (await parsed(market)).entries
    (file,) = entry.enclosures
    assert (file.type, file.href.startswith(f"{HERE}/media/"), file.href.endswith(".jpg")) == (
        "image/jpeg",
        True,
        True,
    )


async def test_the_feed_has_the_fifty_newest(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    assert routes.ENTRIES == 50
    monkeypatch.setattr(routes, "ENTRIES", 3)
    market = public(parts)
    farmer = await market.farmer()
    for n in range(5):
        await market.product(farmer, title=f"No {n}")
    assert [entry.title for entry in (await parsed(market)).entries] == ["No 4", "No 3", "No 2"]


async def test_a_feed_comes_compressed_to_who_takes_it(parts: Parts) -> None:
    market = public(parts)
    farmer = await market.farmer()
    for n in range(5):
        await market.product(farmer, title=f"No {n}", description="Long enough to be worth it. " * 10)
    plain = await read(market, FEED)

    async def coded() -> Any:
        answer = await read(market, FEED, Accept_Encoding="br")
        return answer if answer.headers.get("content-encoding") == "br" else None

    answer = await eventually("a compressed feed", coded)
    assert brotli.decompress(answer.body) == plain.body
    assert answer.headers["etag"] != plain.headers["etag"] and "Accept-Encoding" in answer.headers["vary"]

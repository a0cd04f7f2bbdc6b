"""The site map: by the schemas of sitemaps.org, and in parts where there is too much for one file."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from lxml import etree

from harvestd.market.feeds import sitemap_rows
from harvestd.market.feeds.links import Page
from harvestd.parts import Parts
from tests.market.feeds.stalls import HERE, hidden, public, read
from tests.people import Market

SCHEMAS = {
    name: etree.XMLSchema(etree.parse(Path(__file__).parent / f"{name}.xsd")) for name in ("sitemap", "siteindex")
}
MAP = "/sitemap.xml"
NAMES = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}


async def found(market: Market, path: str = MAP, kind: str = "sitemap") -> dict[str, str]:
    """The addresses and when each was changed, of a document that its schema allows."""
    answer = await read(market, path)
    assert answer.headers["content-type"] == "application/xml"
    document = etree.fromstring(answer.body)
    SCHEMAS[kind].assertValid(document)
    assert len(answer.body) < 50_000_000 and len(document) <= 50_000
    return {one.findtext("s:loc", None, NAMES): one.findtext("s:lastmod", None, NAMES) for one in document}


async def test_farms_and_products_are_in_it_with_their_last_change(parts: Parts) -> None:
    market = public(parts)
    farmer = await market.farmer("Green Acres")
    product = await market.product(farmer)
    await hidden(market, farmer)
    farm = (await market.stranger.get(f"/api/farms/{farmer.farm_id}")).json()
    assert await found(market) == {
        f"{HERE}/api/farms/{farm['slug']}": farm["updated_at"][:19] + "Z",
        f"{HERE}/api/products/{product['slug']}": product["updated_at"][:19] + "Z",
    }


async def test_a_market_without_anything_has_its_own_page_in_it(parts: Parts) -> None:
    assert list(await found(public(parts))) == [f"{HERE}/"]


async def test_it_is_current_and_who_has_it_is_told_so(parts: Parts) -> None:
    market = public(parts)
    farmer = await market.farmer()
    product = await market.product(farmer)
    tag = (await read(market, MAP)).headers["etag"]
    assert (await read(market, MAP, 304, If_None_Match=tag)).body == b""
    for change, number in (
        (farmer.post("/api/products", {"title": "Leeks", "unit": "kg", "price": 1, "stock": 1}), 3),
        (farmer.request("DELETE", f"/api/products/{product['id']}", If_Match="*"), 2),
    ):
        assert (await change).status < 300
        await market.work()
        assert len(await found(market)) == number
        assert (await read(market, MAP, If_None_Match=tag)).headers["etag"] != tag


async def test_where_there_is_too_much_for_one_there_is_an_index_of_parts(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sitemap_rows.SIZE <= sitemap_rows.MAX == 50_000
    monkeypatch.setattr(sitemap_rows, "SIZE", 3)
    market = public(parts)
    farmer = await market.farmer()
    made = [await market.product(farmer, title=f"No {n}") for n in range(8)]
    await hidden(market, farmer)
    index = await found(market, kind="siteindex")
    assert len(index) == 1 + 3, "one of farms; what is hidden does not count"
    every: list[str] = []
    for address in index:
        assert address.startswith(f"{HERE}{MAP}?part=")
        here = urlsplit(address)
        part = await found(market, f"{here.path}?{here.query}")
        assert index[address] >= max(changed or "" for changed in part.values())
        every += part
    products = [f"{HERE}/api/products/{one['slug']}" for one in made]
    assert sorted(every) == sorted({*every}) and [one for one in every if "/products/" in one] == products
    later = await market.product(farmer, title="Later")
    await market.work()
    last = urlsplit([*index][-1])
    assert f"{HERE}/api/products/{later['slug']}" in await found(market, f"{last.path}?{last.query}"), (
        "the last is open"
    )


@pytest.mark.parametrize("size", [1, 2, 4, 8])
async def test_parts_of_any_size_are_the_whole(parts: Parts, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(sitemap_rows, "SIZE", size)
    market = public(parts)
    farmer = await market.farmer()
    made = {(await market.product(farmer, title=f"No {n}"))["slug"] for n in range(8)}
    found_parts = await sitemap_rows.parts(market.parts.database, size)
    of_products = [part for part in found_parts if part.kind == "products"]
    assert len(of_products) == -(-8 // size)
    listed = []
    for part in of_products:
        text = await sitemap_rows.urls(market.parts.database, "products", Page("x:", False, ""), part.first, part.last)
        listed += [one.partition("</loc>")[0] for one in text.split("<loc>x:")[1:]]
        assert len(text.splitlines()) <= size
    assert len(listed) == 8 and set(listed) == made


@pytest.mark.parametrize(
    "part", ["", "x", "products", "products~", "products~x~", "users~~", "products~~~", "products~~%0A"]
)
async def test_what_is_no_part_is_refused(parts: Parts, part: str) -> None:
    answer = await read(public(parts), f"{MAP}?part={part}", 422)
    assert answer.json()["errors"][0]["field"] == "part"


@pytest.mark.parametrize("field", ["slug", "id"])
async def test_it_leads_to_the_shop_where_that_has_pages(parts: Parts, field: str) -> None:
    market = public(
        parts, product_page=f"https://shop.example.org/p?a=1&x={{{field}}}&y", farm_page=f"https://shop.example.org/f/{{{field}}}/"
    )  # fmt: skip
    farmer = await market.farmer()
    product = await market.product(farmer)
    farm = (await market.stranger.get(f"/api/farms/{farmer.farm_id}")).json()
    assert [*await found(market)] == [
        f"https://shop.example.org/f/{farm[field]}/", f"https://shop.example.org/p?a=1&x={product[field]}&y",
    ]  # fmt: skip

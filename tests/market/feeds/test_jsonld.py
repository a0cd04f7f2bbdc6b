"""A farm and its products in the words of schema.org, as a processor of JSON-LD reads them."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from pyld import jsonld

from harvestd.kernel.units import UNITS
from harvestd.parts import Parts
from tests.market.feeds.stalls import HERE, hidden, public, read
from tests.people import Market

S = "https://schema.org/"
#: As schema.org's context has it, for the words that are used here.
CONTEXT = {
    "@context": {
        "@vocab": S, "schema": S, "id": "@id", "type": "@type",
        **{name: {"@id": f"schema:{name}", "@type": "@id"} for name in ("url", "image", "availability")},
    }
}  # fmt: skip


def _loader(url: str, options: Any) -> dict[str, Any]:
    assert url == S, "only schema.org's context is asked for"
    return {"contentType": "application/ld+json", "contextUrl": None, "documentUrl": url, "document": CONTEXT}


async def nodes(market: Market, path: str) -> dict[str, dict[str, Any]]:
    """What a processor makes of it, by id: all words in full."""
    answer = await read(market, path)
    assert answer.headers["content-type"] == "application/ld+json"
    expanded = jsonld.expand(answer.json(), {"documentLoader": _loader})
    return {node["@id"]: node for node in expanded}


def of(node: dict[str, Any], name: str) -> Any:
    (found,) = node[S + name]
    return found.get("@value", found.get("@id", found))


def address(farm: str) -> str:
    return f"/api/farms/{farm}/products.jsonld"


async def test_a_product_has_its_offer(parts: Parts) -> None:
    market = public(parts)
    farmer, admin = await market.farmer("Green Acres"), await market.person("admin")
    category = (await admin.post("/api/categories", {"name": "Roots"})).json()["id"]
    made = await market.product(
        farmer, title="Carrots", description="Sweet.", price=640, price_per={"quantity": "2", "unit": "kg"}, stock="2.5", min_quantity="0.5",
        gtin="4006381333931", sku="C-1", tags=["organic"], category_id=category, season={"from": "2000-05-01", "to": "2999-09-30"},
    )  # fmt: skip
    found = await nodes(market, address(farmer.farm_id))
    product = found[f"urn:uuid:{made['id']}"]
    link = f"{HERE}/api/products/{made['slug']}"
    assert product["@type"] == [f"{S}Product"]
    names = ("name", "description", "url", "sku", "gtin", "category", "keywords")
    assert [of(product, name) for name in names] == [
        "Carrots",
        "Sweet.",
        link,
        "C-1",
        "4006381333931",
        "Roots",
        "organic",
    ]
    offer = of(product, "offers")
    assert offer["@type"] == [f"{S}Offer"]
    names = ("url", "price", "priceCurrency", "availability", "seller", "availabilityStarts", "availabilityEnds")
    assert [of(offer, name) for name in names] == [
        link, "6.40", "EUR", f"{S}InStock", f"urn:uuid:{farmer.farm_id}", "2000-05-01", "2999-09-30",
    ]  # fmt: skip
    eligible, level, unit = (of(offer, name) for name in ("eligibleQuantity", "inventoryLevel", "priceSpecification"))
    assert (of(eligible, "minValue"), of(eligible, "unitCode"), of(level, "value")) == (0.5, "KGM", 2.5)
    assert (of(of(unit, "referenceQuantity"), "value"), of(of(unit, "referenceQuantity"), "unitCode")) == (2, "KGM")


@pytest.mark.parametrize("unit", UNITS)
async def test_units_have_their_code(parts: Parts, unit: str) -> None:
    market = public(parts)
    farmer = await market.farmer()
    made = await market.product(farmer, unit=unit, stock="9", quantity_step=1)
    product = (await nodes(market, address(farmer.farm_id)))[f"urn:uuid:{made['id']}"]
    assert of(of(of(product, "offers"), "eligibleQuantity"), "unitCode") == UNITS[unit].code


async def test_a_farm_that_says_where_it_is_is_a_local_business_and_else_an_organization(parts: Parts) -> None:
    market = public(parts)
    farmer = await market.farmer("Green Acres")
    id = f"urn:uuid:{farmer.farm_id}"
    farm = (await nodes(market, address(farmer.farm_id)))[id]
    assert (farm["@type"], of(farm, "name")) == ([f"{S}Organization"], "Green Acres")
    body = {
        "location": {"latitude": 48.2, "longitude": 16.4, "address": "1 Lane"}, "benefits": ["wic_fmnp", "snap"],
        "imprint": {"legal_name": "Acres Ltd", "tax_number": "7"},
    }  # fmt: skip
    assert (await farmer.request("PATCH", f"/api/farms/{farmer.farm_id}", body, If_Match="*")).status == 200
    await market.work()
    farm = (await nodes(market, address(farmer.farm_id)))[id]
    names = ("address", "legalName", "taxID", "paymentAccepted")
    assert [of(farm, name) for name in names] == ["1 Lane", "Acres Ltd", "7", "SNAP, WIC FMNP"]
    assert farm["@type"] == [f"{S}LocalBusiness"]
    assert [of(of(farm, "geo"), name) for name in ("latitude", "longitude")] == [48.2, 16.4]


@pytest.mark.parametrize(
    ("fields", "availability"),
    [({}, "InStock"), ({"stock": "0"}, "OutOfStock"), ({"stock": "0.4", "min_quantity": "0.5"}, "OutOfStock"), ({"stock": "0.5", "min_quantity": "0.5"}, "InStock"),
     ({"season": {"from": "2000-01-01", "to": "2000-01-02"}}, "OutOfStock")],
)  # fmt: skip
async def test_what_nobody_can_order_today_is_out_of_stock(
    parts: Parts, fields: dict[str, Any], availability: str
) -> None:
    market = public(parts)
    farmer = await market.farmer()
    made = await market.product(farmer, **fields)
    product = (await nodes(market, address(farmer.farm_id)))[f"urn:uuid:{made['id']}"]
    assert of(of(product, "offers"), "availability") == S + availability


async def test_an_order_is_seen_in_it(parts: Parts) -> None:
    market = public(parts)
    farmer, buyer = await market.farmer(), await market.person()
    made = await market.product(farmer, stock="1")
    path, id = address(farmer.farm_id), f"urn:uuid:{made['id']}"
    assert of(of((await nodes(market, path))[id], "offers"), "availability") == f"{S}InStock"
    assert (await buyer.order((made["id"], "1"))).status == 201
    await market.work()
    assert of(of((await nodes(market, path))[id], "offers"), "availability") == f"{S}OutOfStock"


async def test_only_what_is_published_of_a_verified_farm_is_shown(parts: Parts) -> None:
    market = public(parts)
    farmer, admin = await market.farmer(), await market.person("admin")
    await market.product(farmer, title="Carrots")
    await hidden(market, farmer)
    path = address(farmer.farm_id)
    assert [of(node, "name") for node in (await nodes(market, path)).values()] == ["Green Acres", "Carrots"]
    body = {"state": "suspended", "reason": "x"}
    assert (await admin.post(f"/api/farms/{farmer.farm_id}/verification", body)).status == 200
    await market.work()
    await read(market, path, 404)
    await read(market, address("nowhere"), 404)


async def test_a_page_may_have_it_in_a_script(parts: Parts) -> None:
    market = public(parts)
    odd = "</script><script>alert(1)</script><!-- & \u2028 \u2029 ]]>"
    farmer = await market.farmer(odd)
    made = await market.product(farmer, title=odd, description=odd)
    body = (await read(market, address(farmer.farm_id))).text
    assert not re.search("[<>&\u2028\u2029]", body)
    scripts: list[str] = []

    class Page(HTMLParser):
        def handle_data(self, data: str) -> None:
            scripts.append(data)

    Page().feed(f'<script type="application/ld+json">{body}</script>')
    (whole,) = scripts
    assert [node["name"] for node in json.loads(whole)["@graph"]] == [made["farm"]["name"], made["title"]]


@pytest.mark.parametrize("limit", range(1, 5))
async def test_its_pages_are_the_whole(parts: Parts, limit: int) -> None:
    market = public(parts)
    farmer = await market.farmer()
    made = [(await market.product(farmer, title=f"No {n}"))["title"] for n in range(4)]
    await market.product(await market.farmer("Other"), title="Other")
    found, following = [], f"{address(farmer.farm_id)}?limit={limit}"
    while following:
        answer = await read(market, following)
        graph = answer.json()["@graph"]
        assert graph[0]["@id"] == f"urn:uuid:{farmer.farm_id}" and len(graph) <= limit + 1
        found += [node["name"] for node in graph[1:]]
        link = answer.headers.get("link", "")
        following = link[1 : link.index(">")] if link else ""
        assert not link or link.endswith('>; rel="next"')
    assert found == made[::-1]
    for wrong in ("limit=0", "limit=101", "after=x", "x=1"):
        await read(market, f"{address(farmer.farm_id)}?{wrong}", 422)


async def test_a_former_slug_leads_to_the_present_one(parts: Parts) -> None:
    market = public(parts)
    farmer = await market.farmer("Green Acres")
    slug = (await market.stranger.get(f"/api/farms/{farmer.farm_id}")).json()["slug"]
    await farmer.request("PATCH", f"/api/farms/{farmer.farm_id}", {"slug": "new-acres"}, If_Match="*")
    await market.work()
    answer = await read(market, address(slug), 301)
    assert answer.headers["location"] == address("new-acres")
    walking = await read(market, f"{address(slug)}?limit=3", 301)
    assert walking.headers["location"] == f"{address('new-acres')}?limit=3"
    tag = (await read(market, address("new-acres"))).headers["etag"]
    assert (await read(market, address("new-acres"), 304, If_None_Match=tag)).body == b""


async def test_it_speaks_the_language_that_is_asked_for(parts: Parts) -> None:
    market = public(parts, market_languages=("en", "de"))
    admin, farmer = await market.person("admin"), await market.farmer("Green Acres")
    roots = {"name": "Roots", "translations": {"de": {"name": "Wurzeln"}}}
    category = (await admin.post("/api/categories", roots)).json()["id"]
    texts = {"de": {"title": "Möhren", "description": "Süße."}}
    await market.product(farmer, title="Carrots", description="Sweet.", category_id=category, translations=texts)
    for _ in range(3):
        for language, expected in (("de", ["Möhren", "Süße.", "Wurzeln"]), ("en", ["Carrots", "Sweet.", "Roots"])):
            answer = await read(market, address(farmer.farm_id), Accept_Language=language)
            product = answer.json()["@graph"][1]
            assert [product[name] for name in ("name", "description", "category")] == expected
            assert answer.headers["content-language"] == language

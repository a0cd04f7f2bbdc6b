"""Search and suggestions over HTTP: what is found is shown as it is now."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.people import Market


async def found(market: Market, query: str) -> dict[str, Any]:
    response = await market.stranger.get(f"/api/search?{query}")
    assert response.status == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def titles(market: Market, query: str) -> list[str]:
    return [item["title"] for item in (await found(market, query))["items"]]


async def stocked(market: Market) -> dict[str, Any]:
    """Carrots, tomatoes and eggs of two farms, indexed."""
    one, two = await market.farmer("Green Acres"), await market.farmer("Hen House")
    carrots = await market.product(one, title="Rainbow Carrots", description="Sweet and crunchy.", tags=["roots"])
    await market.product(one, title="Tomatoes", price=520, stock=0)
    await market.product(two, title="Eggs", unit="box", price=250)
    await market.work()
    return carrots


@pytest.mark.parametrize("q", ["carrots", "carrot", "carots", "RAINBOW", "crunchy carrots"])
async def test_a_product_is_found_by_stem_and_despite_a_typing_error(market: Market, q: str) -> None:
    await stocked(market)
    assert await titles(market, f"q={quote(q)}") == ["Rainbow Carrots"]


async def test_a_hit_is_a_whole_product_with_why_it_was_found(market: Market) -> None:
    carrots = await stocked(market)
    answer = await found(market, "q=carrots")
    (item,) = answer["items"]
    assert {name: item[name] for name in carrots} == carrots | {"visible_to": None, "prices": None}
    assert item["highlight"]["title"] == "Rainbow <em>Carrots</em>" and item["score"] > 0
    assert (answer["total"], answer["degraded"], answer["next"]) == (1, False, None)
    assert answer["facets"]["farm"][0]["count"] == 1
    assert set(answer["facets"]) == {"category", "farm", "tag", "price", "unit"}


async def test_a_bracket_of_prices_is_called_what_people_call_it(market: Market) -> None:
    farmer = await market.farmer()
    for price in (199, 250, 12_000):
        await market.product(farmer, price=price)
    await market.work()
    assert [(one["value"], one["name"]) for one in (await found(market, ""))["facets"]["price"]] == [
        ("0-199", "€0.00 – €1.99"), ("200-499", "€2.00 – €4.99"), ("10000-", "€100.00 –"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "facet", "zero"),
    [
        ("unit=litre", "unit", ("litre", "litre")),
        ("unit=litre&unit=kg", "unit", ("litre", "litre")),
        ("tag=roots&q=eggs", "tag", ("roots", "roots")),
        ("farm={farm}&q=nothing", "farm", ("{slug}", "{name}")),
        ("category=vegetables&q=nothing", "category", ("vegetables", "Vegetables")),
        ("category={category}&q=nothing", "category", ("vegetables", "Vegetables")),
    ],
)
async def test_a_value_that_was_asked_for_stays_though_no_hit_has_it(
    market: Market, query: str, facet: str, zero: tuple[str, str]
) -> None:
    """Whoever chose it has to see it, to choose it no more; by id as by slug, it comes by the name that others have."""
    carrots = await stocked(market)
    names = {"farm": carrots["farm"]["id"], "slug": carrots["farm"]["slug"], "name": carrots["farm"]["name"]}
    admin = await market.person(role="admin")
    category = (await admin.post("/api/categories", {"name": "Vegetables"})).json()
    names["category"] = category["id"]
    values = (await found(market, query.format_map(names)))["facets"][facet]
    value, name = (one.format_map(names) for one in zero)
    assert {"value": value, "name": name, "count": 0} in values
    assert len({one["value"] for one in values}) == len(values)


async def test_filters_narrow_what_is_found(market: Market) -> None:
    await stocked(market)
    assert set(await titles(market, "")) == {"Rainbow Carrots", "Tomatoes", "Eggs"}
    assert await titles(market, "in_stock=true&unit=kg") == ["Rainbow Carrots"]
    assert await titles(market, "tag=roots") == ["Rainbow Carrots"]
    assert await titles(market, "max_price=300") == ["Eggs"]


async def test_what_is_shown_is_what_is_true_now(market: Market) -> None:
    carrots = await stocked(market)
    buyer = await market.person()
    await buyer.order((carrots["id"], "1.25"))
    (item,) = (await found(market, "q=carrots"))["items"]
    assert item["available"] == "1.250"  # though the index has heard of nothing yet


async def test_what_left_the_market_is_not_shown_and_soon_not_found(market: Market) -> None:
    farmer = await market.farmer()
    product = await market.product(farmer)
    await market.work()
    await farmer.request("DELETE", f"/api/products/{product['id']}", If_Match="*")
    assert await titles(market, "q=carrots") == []
    await market.work()
    assert (await found(market, "q=carrots"))["total"] == 0


async def test_the_last_one_sold_is_out_of_stock_for_search_too(market: Market) -> None:
    carrots = await stocked(market)
    buyer = await market.person()
    order = (await buyer.order((carrots["id"], "2.5"))).json()
    await market.work()
    assert await titles(market, "q=carrots&in_stock=true") == []
    await buyer.post(f"/api/orders/{order['id']}/cancel", {})
    await market.work()
    assert await titles(market, "q=carrots&in_stock=true") == ["Rainbow Carrots"]


@pytest.mark.parametrize(
    "q", ["' or 1=1 --", "carrots & ! | <->", ":*", "%", "\\", "title:carrots", '{"query":{}}', "a" * 500, "🥕", "((("]
)
async def test_syntax_of_any_kind_is_text(market: Market, q: str) -> None:
    await stocked(market)
    assert isinstance((await found(market, f"q={quote(q)}"))["total"], int)
    assert (await market.stranger.get(f"/api/products?tag={quote(q[:40])}")).json()["items"] == []
    assert (await market.stranger.get(f"/api/search/suggest?q={quote(q[:100])}")).status == 200


async def test_script_in_a_title_is_escaped_where_it_is_highlighted(market: Market) -> None:
    farmer = await market.farmer()
    await market.product(farmer, title="<script>alert(1)</script> Carrots")
    await market.work()
    (item,) = (await found(market, "q=carrots"))["items"]
    assert "<script" not in item["highlight"]["title"] and "<em>Carrots</em>" in item["highlight"]["title"]


async def suggested(market: Market, prefix: str) -> dict[str, dict[str, Any]]:
    items = (await market.stranger.get(f"/api/search/suggest?q={quote(prefix)}")).json()["items"]
    return {item["kind"]: item for item in items}


async def test_a_suggestion_names_what_it_leads_to(market: Market) -> None:
    carrots = await stocked(market)
    item = (await suggested(market, "rainbow"))["product"]
    assert item == {
        "text": "Rainbow Carrots", "kind": "product", "id": carrots["id"], "slug": carrots["slug"], "farm": carrots["farm"],
        "count": 1, "image": None,
    }  # fmt: skip
    farm = (await suggested(market, "green"))["farm"]
    assert (farm["id"], farm["slug"]) == (carrots["farm"]["id"], carrots["farm"]["slug"])
    assert (farm["farm"], farm["count"], farm["image"]) == (None, None, None)


async def test_a_title_of_many_farms_is_suggested_once_and_they_are_counted(market: Market) -> None:
    carrots = await stocked(market)
    other = await market.farmer("Other Acres")
    await market.product(other, title="rainbow carrots")
    await market.work()
    buyer = await market.person()
    await buyer.order((carrots["id"], "1.25"))
    await market.work()
    item = (await suggested(market, "rainbow"))["product"]
    assert (item["count"], item["text"], item["id"]) == (2, "Rainbow Carrots", carrots["id"])


async def test_what_left_the_market_is_not_suggested_though_the_index_has_not_heard_of_it(market: Market) -> None:
    farmer = await market.farmer()
    product = await market.product(farmer)
    await market.work()
    await farmer.request("DELETE", f"/api/products/{product['id']}", If_Match="*")
    assert "product" not in await suggested(market, product["title"])


async def test_beginnings_are_suggested(market: Market) -> None:
    await stocked(market)
    items = (await market.stranger.get("/api/search/suggest?q=rain")).json()["items"]
    assert [(item["text"], item["kind"]) for item in items] == [("Rainbow Carrots", "product")]
    items = (await market.stranger.get("/api/search/suggest?q=GREEN")).json()["items"]
    assert ("Green Acres", "farm") in [(item["text"], item["kind"]) for item in items]
    assert (await market.stranger.get("/api/search/suggest")).status == 422
    assert (await market.stranger.get("/api/search?near=x")).status == 422
    assert (await market.stranger.get("/api/search?after=x")).status == 422

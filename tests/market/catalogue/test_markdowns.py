"""Reduced prices over HTTP: they show what it cost before, end by themselves, once, and orders are at the price of the moment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest

from harvestd.market.catalogue import markdown_actions
from harvestd.parts import Parts
from harvestd.store.postgres.statements import Statement, nothing, scalar
from tests.people import Market, Person
from tests.web.client import Response
from tests.web.conftest import make_market, settled

AGED = Statement(
    "test.aged", "update product_prices set since = since - make_interval(days => :days::int) where product_id = :product_id", nothing
)  # fmt: skip
EVENTS = Statement(
    "test.price_events",
    """select data -> 'changed' from outbox where type = 'product.updated' and aggregate = 'product:' || :product_id order by seq""",
    scalar,
)


def soon(market: Market, **term: float) -> str:
    return (market.parts.now() + timedelta(**(term or {"hours": 1}))).isoformat()


async def reduced(farmer: Person, product: str, price: int, until: str, **more: Any) -> Response:
    return await farmer.post(f"/api/products/{product}/markdown", {"price": price, "until": until, **more})


async def priced(farmer: Person, product: str, price: int) -> None:
    answer = await farmer.request("PATCH", f"/api/products/{product}", {"price": price}, If_Match="*")
    assert answer.status == 200, answer.text


async def aged(market: Market, product: str, days: int) -> None:
    await market.parts.database.transaction(lambda tx: tx.run(AGED, product_id=product, days=days))


async def shown(market: Market, product: str) -> tuple[int, int | None, int | None]:
    """The price that a stranger sees, the prior one, and what it returns to."""
    found = (await market.stranger.get(f"/api/products/{product}")).json()
    amounts = [found["price"], found["prior_price"], found["markdown"] and found["markdown"]["regular_price"]]
    price, prior, regular = (one and one["amount"] for one in amounts)
    assert found["unit_price"]["amount"] == price
    return price, prior, regular


def at(market: Market, moment: datetime) -> Market:
    """The same market at another time."""
    return make_market(attrs.evolve(market.parts, now=lambda: moment))


async def test_a_reduced_price_shows_the_lowest_of_the_thirty_days_before_it(market: Market) -> None:
    farmer = await market.farmer()
    product = (await market.product(farmer, price=300))["id"]
    await aged(market, product, 31)
    await priced(farmer, product, 450)
    await aged(market, product, 2)
    for price in (420, 500):
        await priced(farmer, product, price)
    until = soon(market)
    refused = await reduced(
        farmer, product, 300, until
    )  # 3.00 was for longer than thirty days ago, and ended within them
    assert (refused.status, refused.json()["errors"][0]["params"]["maximum"]) == (422, "299"), "it was as cheap lately"
    answer = await reduced(farmer, product, 290, until, reason="Plenty of it.")
    assert answer.status == 200, answer.text
    assert answer.json()["markdown"]["reason"] == "Plenty of it."
    assert datetime.fromisoformat(answer.json()["markdown"]["until"]) == datetime.fromisoformat(until)
    assert await shown(market, product) == (290, 300, 500)
    await aged(market, product, 31)
    assert (await reduced(farmer, product, 280, until)).status == 200
    assert await shown(market, product) == (280, 290, 500)
    assert market.broken() == []


async def test_what_was_no_price_of_the_last_thirty_days_does_not_count(market: Market) -> None:
    farmer = await market.farmer()
    product = (await market.product(farmer, price=100, status="draft"))["id"]
    refused = await reduced(farmer, product, 50, soon(market))
    assert refused.status == 409 and refused.json()["type"] == "/problems/conflict"
    for body in ({"price": 200, "status": "published"}, {"price": 500}):
        assert (await farmer.request("PATCH", f"/api/products/{product}", body, If_Match="*")).status == 200
    await aged(market, product, 31)
    await priced(farmer, product, 510)
    assert (await reduced(farmer, product, 400, soon(market))).status == 200
    assert await shown(market, product) == (400, 500, 510)


async def test_lists_filter_and_sort_by_the_reduced_price(market: Market) -> None:
    farmer = await market.farmer()
    cheap, dear = [(await market.product(farmer, title=f"Kale {n}", price=n))["id"] for n in (400, 500)]
    await market.work()
    by_price = "/api/products?sort=price", "/api/search?q=kale&sort=price"
    for path in by_price:
        assert [one["id"] for one in (await market.stranger.get(path)).json()["items"]] == [cheap, dear]
    assert (await reduced(farmer, dear, 300, soon(market))).status == 200
    await market.work()
    for path in by_price:
        assert [one["id"] for one in (await market.stranger.get(path)).json()["items"]] == [dear, cheap]
    for path in ("/api/products?max_price=350", "/api/search?max_price=350"):
        assert [one["id"] for one in (await market.stranger.get(path)).json()["items"]] == [dear]
    assert market.broken(at_rest=True) == []


async def test_it_ends_by_itself_once_whoever_looks(market: Market) -> None:
    farmer = await market.farmer()
    product = (await market.product(farmer, price=500))["id"]
    assert (await reduced(farmer, product, 400, soon(market, minutes=5))).status == 200
    for _ in range(2):
        assert await shown(market, product) == (400, 500, 500)
    await markdown_actions.finish_all(market.parts)
    assert await shown(market, product) == (400, 500, 500), "it is not over yet"
    later = at(market, market.parts.now() + timedelta(minutes=5))
    await settled(*(markdown_actions.finish_all(later.parts) for _ in range(3)))
    assert await shown(market, product) == (500, None, None)
    told = await market.parts.database.rows(EVENTS, product_id=product)
    assert told == [markdown_actions.CHANGED] * 2, "announced and ended, each once"
    await market.work()
    assert market.broken(at_rest=True) == []


async def test_one_that_is_prolonged_at_the_last_moment_goes_on(market: Market) -> None:
    farmer = await market.farmer()
    product = (await market.product(farmer, price=500))["id"]
    assert (await reduced(farmer, product, 400, soon(market, minutes=5))).status == 200
    assert (await reduced(farmer, product, 400, soon(market, hours=5))).status == 200
    await markdown_actions.finish_all(at(market, market.parts.now() + timedelta(minutes=6)).parts)
    assert await shown(market, product) == (400, 500, 500)


async def test_its_farm_may_end_it_early_and_say_so_twice(market: Market) -> None:
    farmer = await market.farmer()
    product = (await market.product(farmer, price=500))["id"]
    assert (await reduced(farmer, product, 400, soon(market))).status == 200
    path = f"/api/products/{product}/markdown"
    late = await farmer.request("DELETE", path, If_Match='"v1"')
    assert late.status == 412
    for _ in range(2):
        assert (await farmer.request("DELETE", path)).status == 204
    assert await shown(market, product) == (500, None, None)
    assert len(await market.parts.database.rows(EVENTS, product_id=product)) == 2


async def test_the_price_that_a_farm_writes_meanwhile_is_the_regular_one(market: Market) -> None:
    farmer = await market.farmer()
    path = f"/api/farms/{farmer.farm_id}/products/erp-1"
    body = {"title": "Kale", "unit": "kg", "price": 500, "stock": 5}
    product = (await farmer.request("PUT", path, body)).json()["id"]
    assert (await reduced(farmer, product, 400, soon(market))).status == 200
    for price in (500, 400):  # as another system has it, and as it was read
        assert (await farmer.request("PUT", path, body | {"price": price})).status == 200
        assert await shown(market, product) == (400, 500, 500)
    row = (await farmer.get("/api/products/export.jsonl")).json()
    assert row["price"]["amount"] == 500
    await priced(farmer, product, 600)
    assert await shown(market, product) == (400, 500, 600)
    await priced(farmer, product, 390)
    assert await shown(market, product) == (390, None, None)
    assert market.broken() == []


async def test_an_order_is_at_the_price_of_the_moment(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = (await market.product(farmer, price=500, stock=50))["id"]
    assert (await reduced(farmer, product, 400, soon(market, minutes=5))).status == 200
    assert (await buyer.request("PUT", f"/api/cart/items/{product}", {"quantity": 1})).status == 200
    ordered = await buyer.order((product, 1))
    assert ordered.json()["totals"]["total"]["amount"] == 400
    await markdown_actions.finish_all(at(market, market.parts.now() + timedelta(minutes=5)).parts)
    (warning,) = (await buyer.get("/api/cart")).json()["warnings"]
    assert (warning["code"], warning["params"]["before"], warning["params"]["after"]) == ("price-changed", "400", "500")
    refused = await buyer.post("/api/orders", {"expected_total": 400}, Idempotency_Key="at-the-old-price")
    assert refused.status == 409 and refused.json()["type"] == "/problems/price-changed"
    assert (await buyer.order((product, 1))).json()["totals"]["total"]["amount"] == 500


async def test_a_key_repeats_the_answer_of_a_markdown(market: Market) -> None:
    farmer = await market.farmer()
    product = (await market.product(farmer, price=500))["id"]
    body = {"price": 400, "until": soon(market)}
    first, second = [
        await farmer.post(f"/api/products/{product}/markdown", body, Idempotency_Key="one") for _ in range(2)
    ]
    assert second.body == first.body and second.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"price": 500}, {"price": "above-maximum", }), ({"price": {"amount": 1, "currency": "XXX"}}, {"price.currency": "other-currency"}),
        ({"until": "2020-01-01T00:00:00Z"}, {"until": "expired"}), ({"until": "tomorrow"}, {"until": "not-a-date"}),
        ({"reason": "x" * 201}, {"reason": "too-long"}),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_a_markdown_is_named(market: Market, body: Any, wrong: dict[str, str]) -> None:
    farmer = await market.farmer()
    product = (await market.product(farmer, price=500))["id"]
    given = {"price": 400, "until": soon(market)} | body
    answer = await farmer.post(f"/api/products/{product}/markdown", given)
    assert answer.status == 422
    assert {error["field"]: error["code"] for error in answer.json()["errors"]} == wrong
    assert await shown(market, product) == (500, None, None)


async def test_what_it_cost_when_is_for_its_farm_and_the_staff(market: Market) -> None:
    farmer, manager = await market.farmer(), await market.person("manager")
    product = await market.product(farmer, price=500, status="draft")
    path = f"/api/products/{product['slug']}/price-history"
    for body in (
        {"status": "published"},
        {"title": "Red carrots"},
        {"price": 450},
        {"price_per": {"quantity": 2, "unit": "kg"}},
    ):
        assert (await farmer.request("PATCH", f"/api/products/{product['id']}", body, If_Match="*")).status == 200
    assert (await reduced(farmer, product["id"], 400, soon(market))).status == 200
    assert (await farmer.request("DELETE", f"/api/products/{product['id']}")).status == 428
    assert (await farmer.request("DELETE", f"/api/products/{product['id']}", If_Match="*")).status == 204
    for who in (farmer, manager):
        items = (await who.get(path)).json()["items"]
        found = [
            (one["price"]["amount"], one["price_per"]["quantity"], one["on_sale"], one["reduced"]) for one in items
        ]
        assert found == [
            (400, "2.000", False, True), (400, "2.000", True, True), (450, "2.000", True, False), (450, "1.000", True, False),
            (500, "1.000", True, False), (500, "1.000", False, False),
        ]  # fmt: skip
        assert [one["from"] for one in items] == sorted((one["from"] for one in items), reverse=True)
    first = (await farmer.get(f"{path}?limit=5")).json()
    assert [one["from"] for one in (await farmer.get(f"{path}?after={first['next']}")).json()["items"]] == [
        items[-1]["from"]
    ]
    for other in (await market.person(), await market.farmer("Elsewhere")):
        assert (await other.get(path)).status in (403, 404)
    assert (await market.stranger.get(path)).status == 401


async def test_many_written_at_once_have_their_history(parts: Parts) -> None:
    market = make_market(parts)
    farmer = await market.farmer()
    rows = [
        {"external_id": f"e-{n}", "title": f"Kale {n}", "unit": "kg", "price": 100 + n, "stock": 1} for n in range(3)
    ]
    for price in (0, 5):
        more = [row | {"price": row["price"] + price} for row in rows]
        assert (await farmer.post("/api/products/bulk", {"rows": more})).status == 200
    ids = [one["id"] for one in (await farmer.get("/api/products?mine=true&sort=price")).json()["items"]]
    for n, id in enumerate(ids):
        items = (await farmer.get(f"/api/products/{id}/price-history")).json()["items"]
        assert [one["price"]["amount"] for one in items] == [105 + n, 100 + n]
    assert market.broken() == []

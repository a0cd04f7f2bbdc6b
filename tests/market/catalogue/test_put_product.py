"""PUT /api/farms/{id}/products/{external_id}: a product by its farm's own id, created or made what the body says."""

from __future__ import annotations

from typing import Any

import pytest

from harvestd.store.postgres.statements import Statement
from tests.people import Market, Person
from tests.web.client import Response
from tests.web.conftest import settled

BODY: dict[str, Any] = {"title": "Leeks", "unit": "bunch", "price": 250, "stock": 12, "tags": ["green"], "sku": "L-1"}
LEDGER = Statement(
    "test.many.ledger",
    """select kind, change::text, level::text from stock_ledger where product_id = :id order by id""",
    lambda *row: row,
)
EVENTS = Statement(
    "test.many.events", "select type, version, data ->> 'changed' from outbox where aggregate = :of order by seq", lambda *row: row
)  # fmt: skip
COUNT = Statement("test.many.count", "select count(*) from products", lambda n: n)


async def put(who: Person, own: str = "erp-1", farm: str = "", **more: Any) -> Response:
    headers = {name: more.pop(name) for name in ("If_Match",) if name in more}
    body = {name: value for name, value in (BODY | more).items() if value is not None}
    return await who.request("PUT", f"/api/farms/{farm or who.farm_id}/products/{own}", body, **headers)


async def test_it_is_created_and_then_changed(market: Market) -> None:
    farmer = await market.farmer()
    made = await put(farmer)
    assert made.status == 201, made.text
    product = made.json()
    assert made.headers["location"] == f"/api/products/{product['id']}" and product["external_id"] == "erp-1"
    changed = await put(farmer, price=300, tags=None, stock=10)
    assert (changed.status, changed.json()["id"]) == (200, product["id"]), changed.text
    assert (changed.json()["price"]["amount"], changed.json()["tags"], changed.json()["stock"]) == (300, [], "10.000")
    assert await market.parts.database.rows(LEDGER, id=product["id"]) == [
        ("initial", "12.000", "12.000"), ("correction", "-2.000", "10.000")
    ]  # fmt: skip
    events = await market.parts.database.rows(EVENTS, of=f"product:{product['id']}")
    assert [(type, version) for type, version, _ in events] == [("product.created", 1), ("product.updated", 2)]
    assert changed.json()["version"] == 2
    assert (await market.stranger.get(f"/api/products/{product['id']}")).json()["price"]["amount"] == 300


async def test_the_same_again_changes_nothing_and_tells_nobody(market: Market) -> None:
    farmer = await market.farmer()
    first = await put(farmer, season={"from": "05-01", "to": "09-30"}, metadata={"shelf": "B"})
    again = await put(farmer, season={"from": "05-01", "to": "09-30"}, metadata={"shelf": "B"})
    assert (again.status, again.json()) == (200, first.json())
    assert len(await market.parts.database.rows(EVENTS, of=f"product:{first.json()['id']}")) == 1


async def test_a_change_of_the_stock_alone_leaves_the_version(market: Market) -> None:
    farmer = await market.farmer()
    first = (await put(farmer)).json()
    after = (await put(farmer, stock=20)).json()
    assert (after["stock"], after["version"]) == ("20.000", first["version"])
    events = await market.parts.database.rows(EVENTS, of=f"product:{first['id']}")
    assert events[-1] == ("product.updated", 2, '["stock"]')


async def test_two_at_once_make_one_product(market: Market) -> None:
    farmer = await market.farmer()
    answers = await settled(*[put(farmer, price=100 + n) for n in range(4)])
    assert sorted(answer.status for answer in answers) == [200, 200, 200, 201], [a.text for a in answers]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await market.parts.database.row(COUNT) == 1


async def test_if_match_is_honoured_where_it_is_sent(market: Market) -> None:
    farmer = await market.farmer()
    assert (await put(farmer, If_Match="*")).status == 412, "there is none to match"
    assert (await put(farmer, If_Match='"v1"')).status == 412
    assert (await put(farmer)).status == 201
    assert (await put(farmer, price=1, If_Match='"v1"')).status == 200
    assert (await put(farmer, price=2, If_Match='"v1"')).status == 412
    assert (await put(farmer, price=2, If_Match="*")).status == 200


@pytest.mark.parametrize("own", ["0197F0A0-7C1E-7ABC-8DEF-0123456789AB", "A%25b", "x" * 64, "a.b:c=d"])
async def test_the_id_is_kept_as_it_is(market: Market, own: str) -> None:
    farmer = await market.farmer()
    made = await put(farmer, own)
    assert (made.status, made.json()["external_id"]) == (201, own.replace("%25", "%")), made.text
    assert (await put(farmer, own)).status == 200


@pytest.mark.parametrize(
    ("own", "more", "field"),
    [
        ("a%20b", {}, "external_id"), ("x" * 65, {}, "external_id"), ("%C3%A4", {}, "external_id"), ("erp-1", {"external_id": "erp-2"}, "external_id"),
        ("erp-1", {"farm_id": "0197f0a0-7c1e-7abc-8def-0123456789ab"}, "farm_id"), ("erp-1", {"stock": "0.5"}, "stock"), ("erp-1", {"stock": -1}, "stock"),
        ("erp-1", {"title": None}, "title"), ("erp-1", {"category_id": "0197f0a0-7c1e-7abc-8def-0123456789ab"}, "category_id"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_named(market: Market, own: str, more: dict[str, Any], field: str) -> None:
    farmer = await market.farmer()
    refused = await put(farmer, own, **more)
    assert refused.status == 422 and [e["field"] for e in refused.json()["errors"]] == [field], refused.text
    assert await market.parts.database.row(COUNT) == 0


async def test_reserved_stock_and_the_unit_stay(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    product = (await put(farmer)).json()
    assert (await buyer.order((product["id"], 3))).status == 201
    assert [e["field"] for e in (await put(farmer, stock=2)).json()["errors"]] == ["stock"]
    assert [e["field"] for e in (await put(farmer, unit="each")).json()["errors"]] == ["unit"]
    assert (await put(farmer, stock=3)).status == 200


async def test_it_is_for_those_who_run_the_farm(market: Market) -> None:
    farmer, other, admin = await market.farmer(), await market.farmer("Other"), await market.person("admin")
    assert (await put(other, farm=farmer.farm_id)).status == 403
    assert (await put(farmer, farm="0197f0a0-7c1e-7abc-8def-0123456789ab")).status == 404
    assert (await put(admin, farm=farmer.farm_id)).status == 201
    assert (await put(other)).status == 201, "the id is unique in a farm, not in the market"

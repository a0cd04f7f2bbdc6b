"""POST /api/products/bulk: a result for each row, all or none if asked, and one effect of one key."""

from __future__ import annotations

from typing import Any

import pytest

from harvestd.market.catalogue import many_rows
from harvestd.store.postgres.statements import Statement
from tests.people import Market, Person
from tests.web.client import Response
from tests.web.conftest import settled

COUNTS = Statement(
    "test.bulk.counts",
    "select (select count(*) from products), (select count(*) from stock_ledger), (select count(*) from outbox where type like 'product.%')",
    lambda *n: n,
)
LEEK: dict[str, Any] = {"title": "Leeks", "unit": "bunch", "price": 250, "stock": 12}


async def bulk(who: Person, *rows: Any, query: str = "", **more: Any) -> Response:
    headers = {name: more.pop(name) for name in ("Idempotency_Key",) if name in more}
    return await who.post(f"/api/products/bulk{query}", {"rows": list(rows), **more}, **headers)


async def results(who: Person, *rows: Any, **more: Any) -> list[dict[str, Any]]:
    answer = await bulk(who, *rows, **more)
    assert answer.status == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def own(n: int, **more: Any) -> dict[str, Any]:
    return LEEK | {"external_id": f"erp-{n}"} | more


async def test_each_row_has_its_result_in_order(market: Market) -> None:
    farmer, rival = await market.farmer(), await market.farmer("Rival")
    first = (await results(farmer, own(1)))[0]
    theirs = await market.product(rival)
    found = await results(
        farmer, {"id": first["id"], "price": 300}, own(2), LEEK, {"external_id": "erp-3", "title": "Kale"}, {"id": theirs["id"], "price": 1},
        own(4, price=-1, tags=["\u0007"]), 7, own(2), {"external_id": "erp-5", "colour": "red"},
    )  # fmt: skip
    assert [(one["index"], one["status"]) for one in found] == list(
        enumerate(["updated", "created", "created", *["failed"] * 6])
    )
    assert [sorted(e["field"] for e in one["errors"]) for one in found[3:]] == [
        ["rows[3].price", "rows[3].stock", "rows[3].unit"], ["rows[4].id"], ["rows[5].price", "rows[5].tags[0]"], ["rows[6]"],
        ["rows[7].external_id"], ["rows[8].colour"],
    ]  # fmt: skip
    assert found[0]["id"] == first["id"] and found[4]["id"] is None
    assert (await market.stranger.get(f"/api/products/{theirs['id']}")).json()["price"]["amount"] == 390


async def test_what_a_row_leaves_out_stays_and_the_same_again_changes_nothing(market: Market) -> None:
    farmer = await market.farmer()
    (made,) = await results(farmer, own(1, description="Fresh", metadata={"a": "b"}))
    assert [one["status"] for one in await results(farmer, {"external_id": "erp-1", "stock": 20, "price": 260})] == [
        "updated"
    ]
    product = (await market.stranger.get(f"/api/products/{made['id']}")).json()
    assert (product["description"], product["stock"], product["metadata"]) == ("Fresh", "20.000", {"a": "b"})
    before = await market.parts.database.row(COUNTS)
    again = await results(farmer, {"external_id": "erp-1", "stock": 20, "price": 260}, {"id": made["id"]})
    assert [one["status"] for one in again] == ["unchanged", "failed"], "each product has one row"
    assert await market.parts.database.row(COUNTS) == before == (1, 2, 2)


async def test_all_or_none_names_what_is_wrong_with_every_row(market: Market) -> None:
    farmer = await market.farmer()
    refused = await bulk(farmer, own(1), own(2, price=-1), own(3, unit="stone"), query="?atomic=true")
    assert refused.status == 422
    assert [e["field"] for e in refused.json()["errors"]] == ["rows[1].price", "rows[2].unit"]
    assert await market.parts.database.row(COUNTS) == (0, 0, 0)
    assert {one["status"] for one in await results(farmer, *map(own, range(300)), query="?atomic=true")} == {"created"}
    assert await market.parts.database.row(COUNTS) == (300, 300, 300)


async def test_a_retry_does_what_was_not_done_and_nothing_twice(
    market: Market, monkeypatch: pytest.MonkeyPatch, expected_errors: Any
) -> None:
    farmer, insert, calls = await market.farmer(), many_rows.insert, [0]

    async def breaking(*arguments: Any) -> set[str]:
        calls[0] += 1
        if calls[0] == 2:
            raise RuntimeError("the process ends here")
        return await insert(*arguments)

    rows = [LEEK | {"price": n} for n in range(250)]
    monkeypatch.setattr(many_rows, "insert", breaking)
    assert (await bulk(farmer, *rows, Idempotency_Key="k")).status == 500 and expected_errors(RuntimeError)
    assert (await market.parts.database.row(COUNTS)) == (100, 100, 100), "what was committed before"
    whole = await bulk(farmer, *rows, Idempotency_Key="k")
    assert whole.status == 200 and "idempotent-replayed" not in whole.headers
    assert [one["index"] for one in whole.json()["results"]] == list(range(250))
    assert len({one["id"] for one in whole.json()["results"]}) == 250
    again = await bulk(farmer, *rows, Idempotency_Key="k")
    assert again.body == whole.body and again.headers["idempotent-replayed"] == "true"
    assert (await bulk(farmer, LEEK, Idempotency_Key="k")).status == 422
    assert (await market.parts.database.row(COUNTS)) == (250, 250, 250)


@pytest.mark.limit(120)
async def test_many_at_once_over_one_another_make_one_product_of_each_id(market: Market) -> None:
    farmer = await market.farmer()
    rows = [own(n) for n in range(150)]
    answers = await settled(*[bulk(farmer, *(rows if n % 2 else rows[::-1])) for n in range(4)])
    assert {answer.status for answer in answers} == {200}, [answer.text for answer in answers]
    found = [one for answer in answers for one in answer.json()["results"]]
    assert sum(one["status"] == "created" for one in found) == 150
    assert {one["status"] for one in found} <= {"created", "unchanged"}
    assert (await market.parts.database.row(COUNTS)) == (150, 150, 150)


async def test_an_own_id_passes_from_one_product_to_another_within_one_request(market: Market) -> None:
    farmer = await market.farmer()
    first, second = await results(farmer, own(1), own(2))
    taken = await results(
        farmer, {"id": first["id"], "external_id": "erp-2"}, {"id": second["id"], "external_id": None}
    )
    assert [e["code"] for one in taken for e in one["errors"]] == ["taken"] and taken[1]["status"] == "updated"
    assert [one["status"] for one in await results(farmer, {"id": first["id"], "external_id": "erp-2"})] == ["updated"]


async def test_a_thousand_rows_and_no_more(market: Market) -> None:
    farmer = await market.farmer()
    refused = await bulk(farmer, *[{}] * 1001)
    assert refused.status == 422 and [e["field"] for e in refused.json()["errors"]] == ["rows"]
    assert (await bulk(farmer)).json() == {"results": []}
    wrong = await farmer.post("/api/products/bulk", {"rows": 7, "colour": "red"})
    assert {e["field"] for e in wrong.json()["errors"]} == {"rows", "colour"}


async def test_it_is_for_the_farm_that_is_named_or_the_only_one(market: Market) -> None:
    farmer, other, manager = await market.farmer(), await market.farmer("Other"), await market.person("manager")
    assert (await bulk(other, own(1), farm_id=farmer.farm_id)).status == 403
    assert (await bulk(manager, own(1))).json()["errors"][0]["field"] == "farm_id"
    assert (await bulk(manager, own(1), farm_id=farmer.farm_id)).status == 200
    assert (await bulk(await market.person(), own(1))).status == 403

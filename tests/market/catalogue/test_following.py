"""Products by their ids, and the changes of one's own, which another system follows without missing one."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from twisted.internet.defer import Deferred

from harvestd.store.postgres.statements import Statement, nothing
from harvestd.store.postgres.transactions import Transaction
from tests.people import Market, Person
from tests.waiting import eventually

TOUCH = Statement(
    "test.follow.touch",
    "update products set title = :title, version = version + 1, updated_at = :now where id = :id",
    nothing,
)


async def listed(who: Person, query: str) -> dict[str, Any]:
    answer = await who.get(f"/api/products?{query}")
    assert answer.status == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def settled(who: Person, query: str, *expected: str) -> dict[str, Any]:
    """The list once it ends with these: transactions of other tests that began before hold it back, as any do."""

    async def there() -> dict[str, Any] | None:
        page = await listed(who, query)
        return page if titles(page) == list(expected) else None

    page: dict[str, Any] = await eventually(f"the list of {expected}", there)
    return page


def titles(page: dict[str, Any]) -> list[str]:
    return [one["title"] for one in page["items"]]


async def test_products_are_asked_for_by_their_ids(market: Market) -> None:
    farmer, other = await market.farmer(), await market.farmer("Other")
    ids = [(await market.product(farmer, title=f"No {n}"))["id"] for n in range(4)]
    draft = (await market.product(farmer, title="Draft", status="draft"))["id"]
    theirs = (await market.product(other, title="Theirs"))["id"]
    asked = ",".join([ids[2].upper(), ids[0], draft, theirs])
    assert titles(await listed(other, f"ids={asked}")) == ["Theirs", "No 2", "No 0"]
    assert titles(await listed(farmer, f"ids={asked}&mine=true")) == ["Draft", "No 2", "No 0"]
    for wrong in ("", "7", f"{ids[0]},", ",".join([ids[0]] * 101)):
        refused = await farmer.get(f"/api/products?ids={wrong}")
        assert (refused.status, refused.json()["errors"][0]["field"]) == (422, "ids"), wrong
    error = refused.json()["errors"][0]
    assert error["message"] == "must be at most 100 ids, separated by commas", "how many, not how many characters"
    assert {"maximum": "100", "reason": "elements"}.items() <= error["params"].items()
    assert titles(await listed(farmer, f"ids={','.join([ids[0]] * 100)}")) == ["No 0"]


async def test_a_cached_list_of_ids_shows_a_product_once_it_is_published(market: Market) -> None:
    farmer = await market.farmer()
    id = (await market.product(farmer, status="draft"))["id"]
    assert (await market.stranger.get(f"/api/products?ids={id}")).json()["items"] == []
    await farmer.request("PATCH", f"/api/products/{id}", {"status": "published"}, If_Match="*")
    assert len((await market.stranger.get(f"/api/products?ids={id}")).json()["items"]) == 1


async def test_ones_own_changes_come_oldest_first_whatever_their_status(market: Market) -> None:
    farmer, other = await market.farmer(), await market.farmer("Other")
    made = [
        await market.product(farmer, title=f"No {n}", status=s)
        for n, s in enumerate(("published", "draft", "archived"))
    ]
    await market.product(other, title="Theirs")
    await farmer.request("PATCH", f"/api/products/{made[0]['id']}", {"title": "No 0 again"}, If_Match="*")
    since = quote(made[0]["updated_at"])
    await settled(farmer, f"mine=true&updated_since={since}", "No 1", "No 2", "No 0 again")
    found, after = [], ""
    while True:
        page = await listed(farmer, f"mine=true&limit=1&updated_since={since}{after}")
        found += titles(page)
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert found == ["No 1", "No 2", "No 0 again"]
    await farmer.post(f"/api/products/{made[1]['id']}/stock", {"set": "7"})
    await farmer.post("/api/products/bulk", {"rows": [{"id": made[2]["id"], "price": 1}]})
    await settled(farmer, f"mine=true&updated_since={since}", "No 0 again", "No 1", "No 2")
    later = await listed(farmer, f"mine=true&limit=1&updated_since={since}{after}")
    rest = await listed(farmer, f"mine=true&updated_since={since}&after={later['next']}")
    assert titles(later) + titles(rest) == ["No 0 again", "No 1", "No 2"], "the last page again, and what followed"
    last = (await listed(farmer, f"ids={made[1]['id']}&mine=true"))["items"][0]["updated_at"]
    assert titles(await listed(farmer, f"mine=true&updated_since={quote(last)}")) == ["No 1", "No 2"]
    await market.join(await market.person(), other.farm_id)
    await market.join(farmer, other.farm_id)
    await settled(farmer, f"mine=true&updated_since={since}", "Theirs", "No 0 again", "No 1", "No 2")


async def test_what_changed_has_an_order_of_its_own(market: Market) -> None:
    farmer = await market.farmer()
    answer = await farmer.get("/api/products?mine=true&updated_since=2020-01-01T00:00:00Z&sort=price")
    assert (answer.status, answer.json()["errors"][0]["field"]) == (422, "sort")


async def test_what_an_order_takes_is_no_change_of_the_farm_s(market: Market) -> None:
    farmer, buyer = await market.farmer(), await market.person()
    first, _ = [await market.product(farmer, title=f"No {n}") for n in range(2)]
    assert (await buyer.order((first["id"], "1"))).status == 201
    await settled(farmer, "mine=true&updated_since=2020-01-01T00:00:00Z", "No 0", "No 1")


async def test_a_change_that_is_committed_late_does_not_fall_behind_the_cursor(market: Market) -> None:
    """Two transactions: the one that changed a product first is committed last."""
    farmer, database = await market.farmer(), market.parts.database
    since = "2020-01-01T00:00:00Z"
    slow, fast, _ = [(await market.product(farmer, title=name))["id"] for name in ("Slow", "Fast", "Old")]
    await settled(farmer, f"mine=true&updated_since={since}", "Slow", "Fast", "Old")
    changed: Deferred[None] = Deferred()
    go_on: Deferred[None] = Deferred()

    async def lingering(tx: Transaction) -> None:
        await tx.run(TOUCH, id=slow, title="Slow, changed", now=market.parts.now())
        changed.callback(None)
        await go_on

    ending = Deferred.fromCoroutine(database.transaction(lingering))
    await changed
    await farmer.request("PATCH", f"/api/products/{fast}", {"title": "Fast, changed"}, If_Match="*")
    during = await listed(farmer, f"mine=true&limit=1&updated_since={since}")
    seen, cursor = titles(during), during["next"]
    while cursor is not None:
        last = cursor
        page = await listed(farmer, f"mine=true&limit=1&updated_since={since}&after={cursor}")
        seen += titles(page)
        cursor = page["next"]
    assert "Fast, changed" not in seen, "it waits for what was changed before it"
    go_on.callback(None)
    await ending
    await settled(farmer, f"mine=true&updated_since={since}&after={last}", "Old", "Slow, changed", "Fast, changed")


async def test_changes_are_ones_own_alone(market: Market) -> None:
    refused = await market.stranger.get("/api/products?updated_since=2020-01-01T00:00:00Z")
    assert (refused.status, refused.json()["errors"][0]["field"]) == (422, "updated_since")
    assert (await market.stranger.get("/api/products?mine=true&updated_since=2020-01-01T00:00:00Z")).status == 401
    wrong = await (await market.farmer()).get("/api/products?mine=true&updated_since=yesterday")
    assert (wrong.status, wrong.json()["errors"][0]["field"]) == (422, "updated_since")

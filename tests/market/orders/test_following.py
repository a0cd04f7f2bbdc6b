"""Orders by their ids, and the changes of one's own, which another system follows without missing one."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import quote

import pytest
from twisted.internet.defer import Deferred

from harvestd.kernel.readers import MAX_IDS
from harvestd.store.postgres.statements import Statement, nothing
from harvestd.store.postgres.transactions import Transaction
from tests.people import Market, Person
from tests.waiting import eventually

PATH, LONG_AGO = "/api/orders", "2020-01-01T00:00:00Z"
TOUCH = Statement(
    "test.follow.order",
    "update orders set note = :note, version = version + 1, updated_at = :now where id = :id",
    nothing,
)


async def listed(who: Person, query: str, status: int = 200) -> dict[str, Any]:
    answer = await who.get(f"{PATH}?{query}")
    assert answer.status == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(page: dict[str, Any]) -> list[str]:
    return [one["id"] for one in page["items"]]


async def settled(who: Person, query: str, *expected: str) -> dict[str, Any]:
    """The list once it ends with these: transactions of other tests that began before hold it back, as any do."""

    async def there() -> dict[str, Any] | None:
        page = await listed(who, query)
        return page if ids(page) == list(expected) else None

    page: dict[str, Any] = await eventually(f"the list of {expected}", there)
    return page


async def placed(buyer: Person, *products: dict[str, Any]) -> str:
    answer = await buyer.order(*((one["id"], "1") for one in products))
    assert answer.status == 201, answer.text
    id: str = answer.json()["id"]
    return id


async def swept(who: Person, query: str) -> list[str]:
    """All pages of one order each."""
    found, after = [], ""
    while True:
        page = await listed(who, f"{query}&limit=1{after}")
        found += ids(page)
        if page["next"] is None:
            return found
        after = f"&after={page['next']}"


async def stall(market: Market) -> tuple[Person, Person, dict[str, Any], dict[str, Any]]:
    """Two farms, each with a product."""
    one, two = await market.farmer("One"), await market.farmer("Two")
    return one, two, *[await market.product(farmer, unit="each", stock="99") for farmer in (one, two)]


# --- by ids ---


async def test_orders_are_answered_by_their_ids_in_the_order_asked_for(market: Market) -> None:
    farmer, _, apples, pears = await stall(market)
    buyer, other = await market.person(), await market.person()
    mine = [await placed(buyer, apples) for _ in range(3)]
    theirs = await placed(other, pears)
    asked = ",".join([mine[2].upper(), theirs, str(uuid.uuid4()), mine[0], mine[2]])
    page = await listed(buyer, f"ids={asked}&limit=1&count=true")
    assert (ids(page), page["next"], page["total"]) == ([mine[2], mine[0]], None, 2), "another's is left out"
    assert ids(await listed(farmer, f"ids={asked}")) == [mine[2], mine[0]], "a farm has those with a part of its own"
    admin = await market.person("admin")
    assert ids(await listed(admin, f"ids={asked}")) == [mine[2], theirs, mine[0]]
    assert (await market.stranger.get(f"{PATH}?ids={asked}")).status == 401


async def test_so_many_ids_are_asked_for_at_once_and_nothing_beside_them(market: Market) -> None:
    buyer = await market.person()
    full = [str(uuid.uuid4()) for _ in range(MAX_IDS)]
    assert ids(await listed(buyer, f"ids={','.join(full)}")) == []
    for wrong, code in (
        (",".join([*full, full[0]]), "too-long"), ("", "not-an-id"), ("7", "not-an-id"), (f"{full[0]},", "not-an-id"),
        (f"{full[0]}&status=placed", "not-accepted"), (f"{full[0]}&updated_since={LONG_AGO}", "not-accepted"),
    ):  # fmt: skip
        (error,) = (await listed(buyer, f"ids={wrong}", 422))["errors"]
        assert (error["field"], error["code"]) == ("ids", code), wrong


# --- as they change ---


async def test_changes_come_oldest_first_cancelled_orders_too(market: Market) -> None:
    farmer, _, apples, _ = await stall(market)
    buyer, other = await market.person(), await market.person()
    first, second, third = [await placed(buyer, apples) for _ in range(3)]
    await placed(other, apples)
    query = f"updated_since={LONG_AGO}"
    await settled(buyer, query, first, second, third)
    assert (await buyer.post(f"{PATH}/{first}/cancel", {})).status == 200
    step = {"to": "confirmed"}
    assert (await farmer.post(f"{PATH}/{second}/parts/{farmer.farm_id}/status", step)).status == 200
    page = await settled(buyer, query, third, first, second)
    assert [one["status"] for one in page["items"]] == ["placed", "cancelled", "confirmed"]
    assert await swept(buyer, query) == [third, first, second]
    since = quote(page["items"][1]["updated_at"])
    assert ids(await listed(buyer, f"updated_since={since}")) == [first, second]
    assert ids(await listed(buyer, f"{query}&status=cancelled")) == [first]
    counted = await listed(buyer, f"{query}&count=true&limit=1")
    assert counted["total"] == 3


async def test_a_farm_follows_its_own_orders_and_those_that_its_people_placed(market: Market) -> None:
    one, two, apples, pears = await stall(market)
    buyer = await market.person()
    both, hers = await placed(buyer, apples, pears), await placed(buyer, apples)
    his = await placed(two, apples)
    query = f"updated_since={LONG_AGO}"
    await settled(one, query, both, hers, his)
    page = await settled(two, query, both, his)
    assert [len(order["parts"]) for order in page["items"]] == [1, 1], "of an order its own part alone"
    step = {"to": "confirmed"}
    assert (await one.post(f"{PATH}/{both}/parts/{one.farm_id}/status", step)).status == 200
    await settled(one, query, hers, his, both)
    await settled(two, query, his, both)
    assert await swept(two, query) == [his, both]
    assert ids(await listed(two, f"{query}&status=placed")) == [his, both], "the status of its part"
    assert ids(await listed(one, f"{query}&status=confirmed")) == [both]
    assert (await listed(one, f"{query}&count=true"))["total"] == 3
    assert (await listed(two, f"{query}&count=true&status=confirmed"))["total"] == 0


@pytest.mark.parametrize("role", ["manager", "admin"])
async def test_the_staff_follows_all(market: Market, role: str) -> None:
    _, _, apples, pears = await stall(market)
    staff = await market.person(role)
    made = [await placed(await market.person(), one) for one in (apples, pears, apples)]
    query = f"updated_since={LONG_AGO}"
    await settled(staff, query, *made)
    assert await swept(staff, query) == made
    assert (await listed(staff, f"{query}&count=true"))["total"] == 3


async def test_the_last_page_again_has_what_was_changed_meanwhile(market: Market) -> None:
    _, _, apples, _ = await stall(market)
    buyer = await market.person()
    first, second = [await placed(buyer, apples) for _ in range(2)]
    query = f"updated_since={LONG_AGO}"
    await settled(buyer, query, first, second)
    cursor = (await listed(buyer, f"{query}&limit=1"))["next"]
    await settled(buyer, f"{query}&after={cursor}", second)
    third = await placed(buyer, apples)
    assert (await buyer.post(f"{PATH}/{first}/cancel", {})).status == 200
    await settled(buyer, f"{query}&after={cursor}", second, third, first)


@pytest.mark.parametrize("who", ["buyer", "farmer", "admin"])
async def test_a_change_that_is_committed_late_does_not_fall_behind_the_cursor(market: Market, who: str) -> None:
    """Two transactions: the one that changed an order first is committed last."""
    farmer, _, apples, _ = await stall(market)
    people = {"buyer": await market.person(), "farmer": farmer, "admin": await market.person("admin")}
    follower, database = people[who], market.parts.database
    slow, fast, old = [await placed(people["buyer"], apples) for _ in range(3)]
    query = f"updated_since={LONG_AGO}"
    await settled(follower, query, slow, fast, old)
    changed: Deferred[None] = Deferred()
    go_on: Deferred[None] = Deferred()

    async def lingering(tx: Transaction) -> None:
        await tx.run(TOUCH, id=slow, note="slow", now=market.parts.now())
        changed.callback(None)
        await go_on

    ending = Deferred.fromCoroutine(database.transaction(lingering))
    await changed
    await people["buyer"].post(f"{PATH}/{fast}/cancel", {})
    seen, cursor, last = [], "", ""
    while cursor is not None:
        last = cursor
        page = await listed(follower, f"{query}&limit=1{cursor and f'&after={cursor}'}")
        seen += [(one["id"], one["status"]) for one in page["items"]]
        cursor = page["next"]
    assert (fast, "cancelled") not in seen, "it waits for what was changed before it"
    go_on.callback(None)
    await ending
    await settled(follower, f"{query}{last and f'&after={last}'}", old, slow, fast)
    found = await listed(follower, f"ids={slow},{fast}")
    assert [(one["note"], one["status"]) for one in found["items"]] == [("slow", "placed"), ("", "cancelled")]


async def test_no_change_is_missed_by_whoever_follows_while_many_are_made(market: Market) -> None:
    """Buyers at once, and one who follows page by page: what it has at the end is what there is."""
    farmer, _, apples, pears = await stall(market)
    buyers = [await market.person() for _ in range(4)]
    known: dict[str, int] = {}
    after = ""

    async def follow() -> None:
        nonlocal after
        while True:
            page = await listed(farmer, f"updated_since={LONG_AGO}&limit=2{after}")
            known.update({one["id"]: one["version"] for one in page["items"]})
            if page["next"] is None:
                return
            after = f"&after={page['next']}"

    async def shop(buyer: Person) -> None:
        for n in range(4):
            id = await placed(buyer, apples, *([pears] if n % 2 else []))
            if n % 3 == 0:
                assert (await buyer.post(f"{PATH}/{id}/cancel", {})).status == 200

    shopping = [Deferred.fromCoroutine(shop(buyer)) for buyer in buyers]
    for _ in range(10):
        await follow()
    for one in shopping:
        await one
    truth = {one["id"]: one["version"] for buyer in buyers for one in (await listed(buyer, "limit=100"))["items"]}

    async def caught_up() -> bool:
        await follow()
        return known == truth

    await eventually("all of it", caught_up)


async def test_when_is_a_time(market: Market) -> None:
    buyer = await market.person()
    (error,) = (await listed(buyer, "updated_since=yesterday", 422))["errors"]
    assert error["field"] == "updated_since"
    (error,) = (await listed(buyer, f"updated_since={LONG_AGO}&after=x", 422))["errors"]
    assert error["field"] == "after"

"""Who sees operations, and cancels them."""

from __future__ import annotations

import attrs

from harvestd import tables
from harvestd.kernel.errors import Invalid
from harvestd.kernel.permissions import BROUGHT_BY, SCOPES, Permission
from harvestd.market.long_work.kinds import Operation, Step
from harvestd.market.long_work.shapes import Operation as Answer
from harvestd.unit_of_work import UnitOfWork
from tests.market.accounts.test_api_keys import secret
from tests.market.catalogue.test_importing import send
from tests.market.long_work.work import begun, kind, knowing, later, run, seen
from tests.people import Market, Person
from tests.web.client import Client
from tests.web.conftest import make_market


async def test_an_operation_is_its_owner_s_and_the_staff_s(market: Market) -> None:
    one, other, manager = await market.person(), await market.person(), await market.person("manager")
    parts = knowing(market.parts, kind())
    id = await begun(market, one, parts)
    assert (await other.get(f"/api/operations/{id}")).status == 404
    assert (await other.request("DELETE", f"/api/operations/{id}")).status == 404
    assert (await manager.get(f"/api/operations/{id}")).status == 200
    assert (await other.get("/api/operations")).json()["items"] == []
    assert (await manager.get("/api/operations")).json()["items"] == []
    assert [o["id"] for o in (await manager.get("/api/operations?everyone=true")).json()["items"]] == [id]
    assert (await other.get("/api/operations?everyone=true")).status == 403
    assert (await manager.request("DELETE", f"/api/operations/{id}")).json()["status"] == "cancelled"
    assert (await seen(one, id))["status"] == "cancelled"


async def test_an_operation_says_whose_it_is(market: Market) -> None:
    """The staff could not tell everyone's apart."""
    people, manager = [await market.person(), await market.person()], await market.person("manager")
    parts = knowing(market.parts, kind())
    ids = [await begun(market, one, parts) for one in people]
    names = [(await one.get("/api/users/me")).json()["name"] for one in people]
    whose = {id: {"id": one.id, "name": name} for id, one, name in zip(ids, people, names, strict=True)}
    listed = (await manager.get("/api/operations?everyone=true")).json()["items"]
    assert {one["id"]: one["user"] for one in listed} == whose
    assert (await manager.get(f"/api/operations/{ids[0]}")).json()["user"] == whose[ids[0]]
    assert (await people[1].get(f"/api/operations/{ids[1]}")).json()["user"] == whose[ids[1]]
    (own,) = (await people[0].get("/api/operations")).json()["items"]
    assert own["user"] == whose[ids[0]]


async def test_the_list_is_newest_first_and_by_status_and_kind(market: Market) -> None:
    person, parts = await market.person(), knowing(market.parts, kind())
    first, second = [await begun(market, person, parts) for _ in range(2)]
    await person.request("DELETE", f"/api/operations/{first}")
    listed = (await person.get("/api/operations?count=true")).json()
    assert ([o["id"] for o in listed["items"]], listed["total"]) == ([second, first], 2)
    queued = (await person.get("/api/operations?status=queued&kind=test.count")).json()["items"]
    assert [o["id"] for o in queued] == [second]
    assert (await person.get("/api/operations?kind=other")).json()["items"] == []


async def test_what_is_over_cannot_be_cancelled_and_what_was_cancelled_may_be_again(market: Market) -> None:
    person, parts = await market.person(), knowing(market.parts, kind())
    done = await begun(market, person, parts)
    await run(parts)
    assert (await person.request("DELETE", f"/api/operations/{done}")).status == 409
    other = await begun(market, person, parts)
    answers = [await person.request("DELETE", f"/api/operations/{other}") for _ in range(2)]
    assert [(a.status, a.json()["status"]) for a in answers] == [(200, "cancelled")] * 2
    assert answers[0].json()["finished_at"] == answers[1].json()["finished_at"]
    await run(parts)
    assert (await seen(person, other))["progress"]["done"] == 0


async def test_the_file_is_there_once_it_is_whole_and_as_long_as_its_operation(market: Market) -> None:
    person, manager = await market.person(), await market.person("manager")
    parts = knowing(market.parts, kind())
    here = make_market(parts)
    asks = [Person(p.id, p.email, Client(here.stranger.site, p.client.headers)) for p in (person, manager)]
    id = await begun(market, person, parts)
    path = f"/api/operations/{id}/file"
    assert (await asks[0].get(path)).status == 409
    await run(parts)
    for one in asks:
        answer = await one.get(path)
        assert (answer.status, answer.text) == (200, "1\n2\n3\n")
        assert answer.headers["content-disposition"] == 'attachment; filename="numbers.txt"'
        assert (answer.headers["cache-control"], answer.headers["content-type"]) == ("private, no-store", "text/plain")
    short = attrs.evolve(parts, settings=attrs.evolve(parts.settings, operations_keep=60.0))
    for seconds, status in ((50, 200), (70, 404)):
        then = make_market(await later(short, seconds))
        assert (await Client(then.stranger.site, person.client.headers).get(path)).status == status


async def test_the_file_of_what_is_over_is_not_waited_for(market: Market) -> None:
    person = await market.person()

    async def refused(unit: UnitOfWork, operation: Operation) -> Step:
        raise Invalid.of("rows[7].price", "must be 0 or more", "below-minimum", minimum="0")

    parts = knowing(market.parts, kind(refused))
    there = Client(make_market(parts).stranger.site, person.client.headers)
    cancelled = await begun(market, person, parts)
    await person.request("DELETE", f"/api/operations/{cancelled}")
    failed = await begun(market, person, parts)
    await run(parts)
    for id, why in ((cancelled, "was cancelled"), (failed, "has failed")):
        answer = await there.get(f"/api/operations/{id}/file")
        assert answer.status == 409 and why in answer.json()["detail"], answer.text
        assert "wait" not in answer.json()["detail"]


def test_every_kind_of_work_is_begun_by_a_route() -> None:
    assert set(tables.LONG_WORK) >= {"account.export", "products.import"}


# --- API keys ---


def test_whoever_may_begin_long_work_may_follow_it_with_the_same_scope() -> None:
    """Of every kind, and of every route that begins one."""
    begins = {kind.permission for kind in tables.LONG_WORK.values()}
    begins |= {
        route.permission
        for route in tables.ROUTES
        if route.status == 202 and route.answer is Answer and route.permission is not None
    }
    follows = {Permission.OWN_OPERATIONS, *BROUGHT_BY[Permission.OWN_OPERATIONS]}
    assert {one for one in begins if one.value in SCOPES} <= follows
    assert BROUGHT_BY[Permission.OWN_OPERATIONS] <= begins, "and nobody else"


async def test_a_key_that_may_import_follows_and_cancels_imports_and_sees_nothing_else(market: Market) -> None:
    farmer = await market.farmer()
    other = await begun(market, farmer, knowing(market.parts, kind()))
    key = attrs.evolve(farmer, client=market.stranger.signed_in(await secret(farmer, "farm:products:write")))
    answer = await send(key, "title,unit,price,stock\nLeeks,each,1.00,9\n")
    assert answer.status == 202, answer.text
    own = answer.headers["location"]
    assert (await key.get(own)).json()["kind"] == "products.import"
    listed = (await key.get("/api/operations?count=true")).json()
    assert ([f"/api/operations/{one['id']}" for one in listed["items"]], listed["total"]) == ([own], 1)
    assert (await key.get("/api/operations?kind=test.count")).json()["items"] == []
    for method, path in (
        ("GET", f"/api/operations/{other}"),
        ("DELETE", f"/api/operations/{other}"),
        ("GET", f"/api/operations/{other}/file"),
    ):
        assert (await key.request(method, path)).status == 404, (method, path)
    assert (await key.request("DELETE", own)).json()["status"] == "cancelled"
    whole = market.stranger.signed_in(await secret(farmer, "operations:own"))
    assert {(await whole.get(path)).status for path in (own, f"/api/operations/{other}")} == {200}
    stock = market.stranger.signed_in(await secret(farmer, "farm:stock:write"))
    assert (await stock.get(own)).status == 403


async def test_a_key_of_the_staff_that_may_import_does_not_see_what_others_import(market: Market) -> None:
    farmer, manager = await market.farmer(), await market.person("manager")
    own = (await send(farmer, "title,unit,price,stock\nLeeks,each,1.00,9\n")).headers["location"]
    key = market.stranger.signed_in(await secret(manager, "farm:products:write"))
    assert (await key.get(own)).status == 404 and (await key.get("/api/operations?everyone=true")).status == 403
    assert (await manager.get(own)).status == 200

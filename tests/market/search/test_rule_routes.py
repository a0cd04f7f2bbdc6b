"""Rules for searches over HTTP: who gives them, what they do, and that every process knows them at once."""

from __future__ import annotations

import json
from typing import Any

import psycopg2
import pytest
from zope.interface.verify import verifyObject

from harvestd.interfaces import ISearchRules
from harvestd.kernel.permissions import ROLES
from harvestd.market.search import rules
from harvestd.market.search.rules_near import NearRules
from harvestd.store.postgres.statements import Statement, nothing
from tests.people import Market, Person
from tests.web.conftest import settled

PATH = "/api/admin/search/rules"
MANY = Statement(
    "test.many_rules",
    """insert into search_rules (id, kind, queries, created_at, updated_at)
       select gen_random_uuid(), 'synonym', array['a', 'b'], now(), now() from generate_series(1, :count::int)""",
    nothing,
)


async def made(who: Person, **body: Any) -> dict[str, Any]:
    answer = await who.post(PATH, body)
    assert answer.status == 201, answer.text
    assert answer.headers["location"] == f"{PATH}/{answer.json()['id']}"
    found: dict[str, Any] = answer.json()
    return found


async def titles(market: Market, query: str) -> list[str]:
    response = await market.stranger.get(f"/api/search?{query}")
    assert response.status == 200, response.text
    return [item["title"] for item in response.json()["items"]]


async def stocked(market: Market) -> dict[str, dict[str, Any]]:
    """Products of two farms by their titles, indexed."""
    one, two = await market.farmer("Green Acres"), await market.farmer("Hen House")
    admin = await market.person("admin")
    roots = (await admin.post("/api/categories", {"name": "Roots"})).json()
    below = (await admin.post("/api/categories", {"name": "Carrots of all colours", "parent_id": roots["id"]})).json()
    found = [
        await market.product(one, title="Zucchini"),
        await market.product(one, title="Carrots", tags=["plain"]),
        await market.product(two, title="Purple carrot mix", category_id=below["id"], tags=["rare"]),
        await market.product(two, title="Beets", stock=0),
    ]
    await market.work()
    return {one["title"]: one for one in found} | {"roots": roots}


async def test_words_that_mean_the_same_are_found_by_each_other_from_now_on(market: Market) -> None:
    manager, _ = await market.person("manager"), await stocked(market)
    assert await titles(market, "q=courgettes") == []
    rule = await made(manager, kind="synonym", queries=["courgette", "zucchini"])
    assert await titles(market, "q=courgettes") == ["Zucchini"]
    path = f"{PATH}/{rule['id']}"
    changed = await manager.request("PATCH", path, {"active": False}, If_Match='"v1"')
    assert (changed.status, changed.json()["version"], changed.json()["active"]) == (200, 2, False)
    assert await titles(market, "q=courgettes") == []
    assert (
        await manager.request(
            "PATCH", path, {"active": True, "queries": ["squash"], "means": ["zucchini"]}, If_Match="*"
        )
    ).status == 200
    assert await titles(market, "q=squash") == ["Zucchini"]
    assert (await manager.request("DELETE", path, If_Match='"v3"')).status == 204
    assert await titles(market, "q=squash") == []


async def test_pins_come_first_if_they_are_on_sale_and_fit_the_filters(market: Market) -> None:
    manager, goods = await market.person("manager"), await stocked(market)
    ids = [goods[title]["id"] for title in ("Beets", "Zucchini")]
    await made(manager, kind="pin", queries=["carrots"], product_ids=ids)
    assert await titles(market, "q=Carrot") == ["Beets", "Zucchini", "Carrots", "Purple carrot mix"]
    assert await titles(market, "q=carrots&in_stock=true") == ["Zucchini", "Carrots", "Purple carrot mix"]
    assert await titles(market, "q=carrots&tag=rare") == ["Purple carrot mix"]
    admin = await market.person("admin")
    gone = await admin.request("DELETE", f"/api/products/{ids[0]}", If_Match="*")
    await market.work()
    assert gone.status == 204 and (await titles(market, "q=carrots"))[:2] == ["Zucchini", "Carrots"]


@pytest.mark.parametrize("about", ["category_id", "farm_id", "tag"])
async def test_what_is_boosted_counts_more_for_the_query_and_a_category_with_those_below_it(
    market: Market, about: str
) -> None:
    manager, goods = await market.person("manager"), await stocked(market)
    mix = goods["Purple carrot mix"]
    value = {"category_id": goods["roots"]["id"], "farm_id": mix["farm"]["id"], "tag": "RARE"}[about]
    assert await titles(market, "q=carrots") == ["Carrots", "Purple carrot mix"]
    rule = await made(manager, kind="boost", queries=["carrots"], factor=3.5, **{about: value})
    assert (rule[about], rule["factor"]) == (value.lower() if about == "tag" else value, 3.5)
    assert await titles(market, "q=carrots") == ["Purple carrot mix", "Carrots"]
    staff = (await manager.get("/api/search?q=carrots&explain=true")).json()["items"]
    assert {reason["times"] for reason in staff[0]["reasons"]} == {1.0, 3.5}


async def test_a_rule_about_what_is_not_there_is_refused_by_its_field(market: Market) -> None:
    manager, nobody = await market.person("manager"), "01900000-0000-7000-8000-00000000dead"
    for body, field in (
        ({"kind": "pin", "product_ids": [nobody]}, "product_ids[0]"),
        ({"kind": "boost", "farm_id": nobody, "factor": 2}, "farm_id"),
        ({"kind": "boost", "category_id": nobody, "factor": 2}, "category_id"),
    ):
        refused = await manager.post(PATH, {"queries": ["x"], **body})
        assert (refused.status, [error["field"] for error in refused.json()["errors"]]) == (422, [field]), refused.text
    for factor in (0.09, 10.1, "2", None):
        refused = await manager.post(PATH, {"kind": "boost", "queries": ["x"], "tag": "x", "factor": factor})
        assert (refused.status, refused.json()["errors"][0]["field"]) == (422, "factor")


async def test_lists_are_paged_and_narrowed_to_a_kind(market: Market) -> None:
    manager, goods = await market.person("manager"), await stocked(market)
    one = await made(manager, kind="synonym", queries=["a", "b"])
    two = await made(manager, kind="pin", queries=["a"], product_ids=[goods["Beets"]["id"]])
    page = (await manager.get(f"{PATH}?limit=1&count=true")).json()
    assert ([item["id"] for item in page["items"]], page["total"]) == ([two["id"]], 2)
    rest = (await manager.get(f"{PATH}?limit=1&after={page['next']}")).json()
    assert ([item["id"] for item in rest["items"]], rest["next"]) == ([one["id"]], None)
    only = (await manager.get(f"{PATH}?kind=synonym&count=true")).json()
    assert ([item["id"] for item in only["items"]], only["total"]) == ([one["id"]], 1)
    assert (await manager.get(f"{PATH}/{two['id']}")).json() == two


async def test_changes_name_the_version_that_they_are_of(market: Market) -> None:
    manager = await market.person("manager")
    path = f"{PATH}/{(await made(manager, kind='synonym', queries=['a', 'b']))['id']}"
    for method, body in (("PATCH", {"note": "x"}), ("DELETE", None)):
        assert (await manager.request(method, path, body)).status == 428
        assert (await manager.request(method, path, body, If_Match='"v7"')).status == 412
    same = await manager.request("PATCH", path, {"queries": ["a", "b"]}, If_Match='"v1"')
    assert (same.status, same.json()["version"]) == (200, 1), "nothing has changed"
    kind = await manager.request("PATCH", path, {"factor": 2}, If_Match="*")
    assert (kind.status, kind.json()["errors"][0]["code"]) == (422, "not-accepted"), "the kind stays"


@pytest.mark.parametrize("role", [role for role in ROLES if role not in ("manager", "admin")])
async def test_nobody_but_the_market_s_staff_gives_rules_or_sees_why(market: Market, role: str) -> None:
    manager, person = await market.person("manager"), await market.person(role, "Farm" if role == "farmer" else None)
    rule = await made(manager, kind="synonym", queries=["a", "b"])
    for method, path, body in (
        ("GET", "", None), ("POST", "", {"kind": "synonym", "queries": ["c", "d"]}), ("GET", f"/{rule['id']}", None),
        ("PATCH", f"/{rule['id']}", {"note": "x"}), ("DELETE", f"/{rule['id']}", None),
    ):  # fmt: skip
        assert (await person.request(method, PATH + path, body, If_Match="*")).status == 403
    assert (await person.get("/api/search?q=a&explain=true")).status == 403
    assert (await market.stranger.get("/api/search?q=a&explain=true")).status == 401
    assert (await person.get("/api/search?q=a")).status == 200


async def test_each_hit_says_to_the_staff_why_it_stands_where_it_does_and_to_nobody_else(market: Market) -> None:
    admin, _ = await market.person("admin"), await stocked(market)
    for item in (await market.stranger.get("/api/search?q=carrots")).json()["items"]:
        assert "reasons" not in item
    told = (await admin.get("/api/search?q=carrots&explain=true")).json()["items"]
    assert [item["title"] for item in told] == ["Carrots", "Purple carrot mix"]
    for item in told:
        assert sum(one["points"] * one["times"] for one in item["reasons"]) == pytest.approx(item["score"], abs=1e-4)
        assert {"typed", "stock", "text", "freshness"} <= {one["factor"] for one in item["reasons"]}
    for item in (await market.stranger.get("/api/search?q=carrots")).json()["items"]:
        assert "reasons" not in item, "what the staff was told is not kept for others"


async def test_a_market_has_so_many_rules_even_if_two_are_made_at_once(market: Market) -> None:
    manager = await market.person("manager")
    await market.parts.database.transaction(lambda tx: tx.run(MANY, count=rules.MAX_RULES - 1))
    body = {"kind": "synonym", "queries": ["a", "b"]}
    answers = await settled(*(manager.post(PATH, body) for _ in range(3)))
    assert sorted(answer.status for answer in answers) == [201, 422, 422]


async def test_the_audit_log_tells_who_has_given_and_taken_a_rule(market: Market) -> None:
    manager, admin = await market.person("manager"), await market.person("admin")
    rule = await made(manager, kind="synonym", queries=["a", "b"])
    path = f"{PATH}/{rule['id']}"
    await manager.request("PATCH", path, {"queries": ["a", "c"]}, If_Match="*")
    await manager.request("PATCH", path, {"queries": ["a", "c"]}, If_Match="*")
    await manager.request("DELETE", path, If_Match="*")
    entries = (await admin.get(f"/api/admin/audit?object=search_rule:{rule['id']}")).json()["items"]
    assert [entry["action"] for entry in entries] == [
        "search_rule.deleted",
        "search_rule.changed",
        "search_rule.created",
    ]
    assert {entry["actor_id"] for entry in entries} == {manager.id}
    assert (entries[1]["before"], entries[1]["after"]) == ({"queries": '["a","b"]'}, {"queries": '["a","c"]'})


async def test_the_database_tells_every_process_at_the_commit_whoever_changes_it(
    market: Market, database_url: str
) -> None:
    """Also what a boost is about: the slugs of farms and categories."""
    listener = psycopg2.connect(database_url)
    listener.autocommit = True
    cursor = listener.cursor()
    cursor.execute("listen harvest_topics")

    def heard() -> list[Any]:
        cursor.execute("select 1")  # what has been committed is delivered with the next answer
        told = [note.payload for note in listener.notifies if json.loads(note.payload)["c"] == "search:rules"]
        listener.notifies.clear()
        return told

    near, goods = market.parts.search_rules, await stocked(market)
    assert isinstance(near, NearRules) and verifyObject(ISearchRules, near)
    heard()
    for statement in (
        "insert into search_rules (id, kind, queries, created_at, updated_at) values (gen_random_uuid(), 'synonym', '{a,b}', now(), now())",
        "update search_rules set queries = '{a,c}'", "update farms set slug = slug || '-x'", "update categories set slug = slug || '-x'",
        "delete from search_rules",
    ):  # fmt: skip
        assert await near.of(["a"]) is not None and len(near._all) == 1
        cursor.execute(statement)
        assert len(heard()) == 1, statement
        near.changed()
        assert len(near._all) == 0
    assert goods
    listener.close()

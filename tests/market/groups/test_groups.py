"""Buyer groups: who makes them, who is in them, and that everybody's requests know it at once."""

from __future__ import annotations

import json
from typing import Any

import attrs
import psycopg2
import pytest
from zope.interface.verify import verifyObject

from harvestd.interfaces import IGroups
from harvestd.kernel.permissions import ROLES
from harvestd.market.groups.actions import groups_of
from harvestd.market.groups.groups_near import NearGroups
from harvestd.store.postgres.statements import Statement, scalar
from harvestd.web.context import Caller
from tests.locks import holding, meeting
from tests.people import Market, Person
from tests.web.client import Response
from tests.web.conftest import settled

MEMBERS = Statement("test.group_members", "select user_id::text from group_members", scalar)


async def made(who: Person, name: str = "Wholesale", **more: Any) -> str:
    answer = await who.post("/api/groups", {"name": name, **more})
    assert answer.status == 201, answer.text
    assert answer.headers["location"] == f"/api/groups/{answer.json()['id']}"
    return str(answer.json()["id"])


async def put(who: Person, group: str, person: Person) -> Response:
    return await who.request("PUT", f"/api/groups/{group}/members/{person.id}")


async def put_by_address(who: Person, group: str, email: str) -> Response:
    return await who.post(f"/api/groups/{group}/members", {"email": email})


async def drop(who: Person, group: str, person: Person) -> Response:
    return await who.request("DELETE", f"/api/groups/{group}/members/{person.id}")


async def known(market: Market, person: Person) -> frozenset[str]:
    """The groups that a request of the person knows."""
    return await groups_of(market.parts, Caller(person.id, "buyer", ""))


async def test_a_manager_makes_changes_and_deletes_groups(market: Market) -> None:
    manager = await market.person("manager")
    group = await made(manager, " Social  price ", description="By\nincome.")
    path = f"/api/groups/{group}"
    shown = (await manager.get(path)).json()
    assert (shown["name"], shown["slug"], shown["description"], shown["version"]) == (
        "Social price", "social-price", "By\nincome.", 1
    )  # fmt: skip
    changed = await manager.request("PATCH", path, {"name": "Solidarity", "slug": "solidarity"})
    assert (changed.status, changed.json()["name"], changed.json()["version"]) == (200, "Solidarity", 2)
    assert (await manager.request("PATCH", path, {"name": "Solidarity"})).json()["version"] == 2, "nothing has changed"
    for method, body in (("PATCH", {"json": {"name": "Late"}}), ("DELETE", {})):
        late = await manager.client.request(
            method, path, headers={**manager.client.headers, "If-Match": '"v1"'}, **body
        )
        assert late.status == 412 and (await manager.get(path)).json()["name"] == "Solidarity"
    tag = {"If-Match": (await manager.get(path)).headers["etag"]}
    again = await manager.client.request("PATCH", path, headers=tag, json={"name": "Solidarity"})
    assert again.status == 200
    other = await made(manager)
    assert [one["id"] for one in (await manager.get("/api/groups?count=true")).json()["items"]] == [other, group]
    assert (await manager.request("DELETE", path)).status == 204
    for method in ("GET", "PATCH", "DELETE"):
        assert (await manager.request(method, path, {} if method == "PATCH" else None)).status == 404
    assert (await manager.get("/api/groups?count=true")).json()["total"] == 1


@pytest.mark.parametrize("role", [role for role in ROLES if role not in ("manager", "admin")])
async def test_nobody_but_the_market_s_staff_sees_groups(market: Market, role: str) -> None:
    manager, person = await market.person("manager"), await market.person(role)
    group = await made(manager)
    for method, path in (
        ("GET", ""),
        ("POST", ""),
        ("GET", f"/{group}"),
        ("DELETE", f"/{group}"),
        ("GET", f"/{group}/members"),
    ):
        body = {"name": "Mine"} if method == "POST" else None
        assert (await person.request(method, f"/api/groups{path}", body)).status == 403
    assert (await put(person, group, person)).status == 403


async def test_an_api_key_may_see_groups_without_changing_them(market: Market) -> None:
    manager = await market.person("manager")
    group = await made(manager)
    given = await manager.post("/api/users/me/api-keys", {"name": "Prices", "scopes": ["market:groups:read"]})
    key = attrs.evolve(manager, client=market.stranger.signed_in(given.json()["key"]))
    for path in ("", f"/{group}", f"/{group}/members"):
        assert (await key.get(f"/api/groups{path}")).status == 200
    assert (await key.request("DELETE", f"/api/groups/{group}")).status == 403
    assert (await put(key, group, manager)).status == 403


async def test_a_name_or_slug_is_one_group_s(market: Market) -> None:
    manager = await market.person("manager")
    await made(manager, "Großhandel", slug="trade")
    other = await made(manager, "Members")
    for body, field in (({"name": "GROSSHANDEL"}, "name"), ({"slug": "trade"}, "slug")):
        for answer in (
            await manager.post("/api/groups", {"name": "Another"} | body),
            await manager.request("PATCH", f"/api/groups/{other}", body),
        ):
            assert answer.status == 409 and answer.json()["type"] == "/problems/already-taken", answer.text
            assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, "taken")]
    assert (await manager.request("PATCH", f"/api/groups/{other}", {"name": "MEMBERS"})).status == 200, "its own"
    assert (await manager.post("/api/groups", {"name": "Trade"})).json()["slug"] != "trade", (
        "a made slug is in nobody's way"
    )


async def test_of_many_who_make_one_group_at_once_one_does(market: Market) -> None:
    manager = await market.person("manager")
    answers = await settled(*(manager.post("/api/groups", {"name": name}) for name in ("Trade", "TRADE", "trade") * 3))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 8


async def test_a_market_has_so_many_groups_at_most_also_at_once(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harvestd.market.groups.rules.MAX_GROUPS", 2)
    manager = await market.person("manager")
    answers = await settled(*(manager.post("/api/groups", {"name": f"Group {n}"}) for n in range(5)))
    assert sorted(answer.status for answer in answers) == [201, 201, 422, 422, 422]


async def test_who_is_in_a_group_sees_so_and_nobody_else_does(market: Market) -> None:
    manager, person, other = await market.person("manager"), await market.farmer(), await market.person()
    group = await made(manager)
    assert (await person.get("/api/users/me")).json()["groups"] == []
    answer = await put(manager, group, person)
    assert (answer.status, answer.json()["id"]) == (200, person.id)
    assert (await put(manager, group, person)).json() == answer.json(), "to say it again changes nothing"
    me = (await person.get("/api/users/me")).json()
    assert me["groups"] == [{"id": group, "slug": "wholesale", "name": "Wholesale"}]
    assert [farm["id"] for farm in me["farms"]] == [person.farm_id]
    assert (await other.get("/api/users/me")).json()["groups"] == []
    assert "groups" not in (await market.stranger.get(f"/api/users/{person.id}")).json()
    assert (await person.get("/api/users/me/export")).json()["groups"][0]["slug"] == "wholesale"
    assert (await drop(manager, group, person)).status == 204
    assert (await drop(manager, group, person)).status == 404
    assert (await person.get("/api/users/me")).json()["groups"] == []
    assert (await person.get("/api/users/me/export")).json()["groups"] == []


async def test_members_are_listed_in_the_order_in_which_they_joined(market: Market) -> None:
    manager, people = await market.person("manager"), [await market.person() for _ in range(3)]
    group = await made(manager)
    for person in reversed(people):
        assert (await put(manager, group, person)).status == 200
    path, found = f"/api/groups/{group}/members?limit=2&count=true", []
    first = (await manager.get(path)).json()
    second = (await manager.get(f"{path}&after={first['next']}")).json()
    found = [one["id"] for one in first["items"] + second["items"]]
    assert (found, first["total"], second["next"]) == ([person.id for person in reversed(people)], 3, None)


async def test_what_is_no_group_or_no_open_account_is_not_found(market: Market) -> None:
    manager, admin, closed = await market.person("manager"), await market.person("admin"), await market.person()
    group, nobody = await made(manager), market.parts.new_id()
    assert (await admin.request("PATCH", f"/api/admin/users/{closed.id}", {"active": False})).status == 200
    for where in (f"{nobody}/members/{manager.id}", f"{group}/members/{nobody}", f"{group}/members/{closed.id}"):
        assert (await manager.request("PUT", f"/api/groups/{where}")).status == 404
        assert (await manager.request("DELETE", f"/api/groups/{where}")).status == 404
    for where in (f"x/members/{manager.id}", f"{group}/members/x", "x"):
        assert (await manager.request("DELETE", f"/api/groups/{where}")).status == 404
    assert (await manager.get(f"/api/groups/{nobody}/members")).status == 404


async def test_somebody_is_in_so_many_groups_at_most_also_at_once(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harvestd.market.groups.rules.MAX_OF_ONE", 2)
    manager, person = await market.person("manager"), await market.person()
    groups = [await made(manager, f"Group {n}") for n in range(5)]
    answers = await settled(*(put(manager, group, person) for group in groups))
    assert sorted(answer.status for answer in answers) == [200, 200, 409, 409, 409]
    own = next(group for group, answer in zip(groups, answers, strict=True) if answer.status == 200)
    assert (await put(manager, own, person)).status == 200, "one that they are in is not one more"


async def test_every_change_is_in_the_audit_log_and_nothing_else(market: Market) -> None:
    manager, admin, person = await market.person("manager"), await market.person("admin"), await market.person()
    group = await made(manager)
    await manager.request("PATCH", f"/api/groups/{group}", {"name": "Trade"})
    await manager.request("PATCH", f"/api/groups/{group}", {"name": "Trade"})
    await put(manager, group, person)
    await put(manager, group, person)
    await drop(manager, group, person)
    await drop(manager, group, person)
    await put(manager, group, person)
    await manager.request("DELETE", f"/api/groups/{group}")
    log = (await admin.get(f"/api/admin/audit?object=group:{group}")).json()["items"]
    assert [entry["action"] for entry in reversed(log)] == [
        "group.created", "group.changed", "group.member_added", "group.member_removed", "group.member_added", "group.deleted"
    ]  # fmt: skip
    assert {entry["actor_id"] for entry in log} == {manager.id}
    assert [entry["subject_id"] for entry in log] == [None, person.id, person.id, person.id, None, None]
    assert (log[0]["before"], log[4]["before"], log[4]["after"]) == (
        {"name": "Trade", "slug": "wholesale", "members": "1"}, {"name": "Wholesale"}, {"name": "Trade"}
    )  # fmt: skip


async def test_closing_an_account_ends_its_memberships(market: Market) -> None:
    manager, person = await market.person("manager"), await market.person()
    group = await made(manager)
    await put(manager, group, person)
    assert (await person.request("DELETE", "/api/users/me")).status == 204
    assert (await manager.get(f"/api/groups/{group}/members")).json()["items"] == []
    assert await market.parts.database.rows(MEMBERS) == []


# --- by their address ---


async def test_whoever_has_an_address_is_put_in_as_by_their_id(market: Market) -> None:
    """However the address is spelt; managers know nobody's id."""
    manager, admin, person = await market.person("manager"), await market.person("admin"), await market.person()
    group = await made(manager)
    answer = await put_by_address(manager, group, f" {person.email.upper()} ")
    assert (answer.status, answer.json()["id"]) == (200, person.id), answer.text
    assert await known(market, person) == {group}, "at once"
    assert answer.json() == (await put_by_address(manager, group, person.email)).json(), (
        "to say it again changes nothing"
    )
    assert answer.json() == (await put(manager, group, person)).json()
    assert "email" not in answer.json()
    log = (await admin.get(f"/api/admin/audit?object=group:{group}")).json()["items"]
    assert [(one["action"], one["actor_id"], one["subject_id"]) for one in log] == [
        ("group.member_added", manager.id, person.id), ("group.created", manager.id, None)
    ]  # fmt: skip
    assert person.email not in str(log), "an address stays erasable"


@pytest.mark.parametrize("closed", ["never was", "by the staff", "at rest", "for good"])
async def test_an_address_of_no_open_account_is_said_to_be_nobody_s(market: Market, closed: str) -> None:
    manager, admin, person = await market.person("manager"), await market.person("admin"), await market.person()
    group, email = await made(manager), person.email
    if closed == "never was":
        email = "nobody@example.org"
    elif closed == "by the staff":
        await admin.request("PATCH", f"/api/admin/users/{person.id}", {"active": False})
    elif closed == "at rest":
        assert (await person.post("/api/users/me/deactivation", None)).status == 204
    else:
        assert (await person.request("DELETE", "/api/users/me")).status == 204
    refused = await put_by_address(manager, group, email)
    (error,) = refused.json()["errors"]
    assert (refused.status, error["field"], error["code"], error["params"]) == (
        422, "email", "not-found", {"reason": "no-account"}
    )  # fmt: skip
    assert "ask them to open an account" in error["message"]
    assert await market.parts.database.rows(MEMBERS) == []


async def test_an_address_that_nobody_has_confirmed_is_put_in_no_group(market: Market) -> None:
    """Anybody may have registered with it, and would have the prices."""
    manager, squatter = await market.person("manager"), await market.person(verified=False)
    group = (await manager.post("/api/groups", {"name": "Members"})).json()["id"]
    (error,) = (await put_by_address(manager, group, squatter.email)).json()["errors"]
    assert (error["field"], error["params"]) == ("email", {"reason": "not-confirmed"})
    assert (await manager.get(f"/api/groups/{group}/members")).json()["items"] == []


async def test_what_is_no_address_and_a_group_that_is_not_there_are_told_apart(market: Market) -> None:
    manager, person = await market.person("manager"), await market.person()
    group = await made(manager)
    (error,) = (await put_by_address(manager, group, "x")).json()["errors"]
    assert (error["field"], error["code"]) == ("email", "not-an-email")
    for nowhere in (market.parts.new_id(), "x"):
        assert (await put_by_address(manager, nowhere, person.email)).status == 404


async def test_nobody_but_the_market_s_staff_puts_people_in_by_their_address(market: Market) -> None:
    """Whoever may not learns nothing of who has an account either."""
    manager, person = await market.person("manager"), await market.person()
    group = await made(manager)
    answers = [await put_by_address(person, group, email) for email in (person.email, "nobody@example.org")]
    assert [answer.status for answer in answers] == [403, 403]
    assert answers[0].json()["detail"] == answers[1].json()["detail"]


async def test_somebody_is_in_so_many_groups_at_most_however_they_are_named(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harvestd.market.groups.rules.MAX_OF_ONE", 2)
    manager, person = await market.person("manager"), await market.person()
    groups = [await made(manager, f"Group {n}") for n in range(4)]
    answers = await settled(
        *(put(manager, group, person) for group in groups[:2]),
        *(put_by_address(manager, group, person.email) for group in groups[2:]),
    )
    assert sorted(answer.status for answer in answers) == [200, 200, 409, 409]


async def test_an_address_that_is_given_up_meanwhile_puts_nobody_in(market: Market, database_url: str) -> None:
    """The account is locked as the one that has the address, and has it still once it was waited for."""
    manager, person = await market.person("manager"), await market.person()
    group = await made(manager)
    lock = "update users set email = 'new@example.org', email_key = 'new@example.org' where id = %s"
    with holding(database_url, lock, person.id) as held:
        (answer,) = await meeting(database_url, held, put_by_address(manager, group, person.email))
    assert answer.status == 422, answer.text
    assert await market.parts.database.rows(MEMBERS) == []


# --- known at once ---


async def test_a_request_knows_its_caller_s_groups_at_once(market: Market) -> None:
    manager, person = await market.person("manager"), await market.person()
    first, second = await made(manager, "First"), await made(manager, "Second")
    assert await known(market, person) == frozenset() == await groups_of(market.parts, None)
    for group in (first, second):
        await put(manager, group, person)
    assert await known(market, person) == {first, second}
    await drop(manager, first, person)
    assert await known(market, person) == {second}


async def test_a_group_that_is_gone_is_nobody_s_at_once(market: Market, database_url: str) -> None:
    """Products keep its id: whoever was in it may not keep what it gave them. Each process is told once, however many were in it."""
    manager, person, other = await market.person("manager"), await market.person(), await market.person()
    group, kept = await made(manager, "First"), await made(manager, "Second")
    for one in (person, other):
        await put(manager, group, one)
    await put(manager, kept, person)
    elsewhere = NearGroups(market.parts.reactor, market.parts.topics, market.parts.database)
    assert await elsewhere.of(other.id) == {group}
    assert await known(market, person) == {group, kept} and await known(market, other) == {group}
    listener = psycopg2.connect(database_url)
    listener.autocommit = True
    cursor = listener.cursor()
    cursor.execute("listen harvest_topics")
    assert (await manager.request("DELETE", f"/api/groups/{group}", If_Match="*")).status == 204
    assert await known(market, person) == {kept} and await known(market, other) == frozenset()
    cursor.execute("select 1")
    (told,) = [json.loads(note.payload) for note in listener.notifies if group in note.payload]
    assert told == {"c": "groups:gone", "p": group}
    elsewhere.gone(told["p"])
    assert other.id not in elsewhere._known
    listener.close()


async def test_another_process_hears_of_it_from_the_database(market: Market, database_url: str) -> None:
    """Whoever changes it: a row that is written by hand, too. But what ends with its group tells nobody, however many are in it."""
    manager, person = await market.person("manager"), await market.person()
    group = await made(manager)
    listener = psycopg2.connect(database_url)
    listener.autocommit = True
    cursor = listener.cursor()
    cursor.execute("listen harvest_topics")

    def heard() -> list[str]:
        cursor.execute("select 1")  # what has been committed is delivered with the next answer
        told = [note.payload for note in listener.notifies if person.id in note.payload]
        listener.notifies.clear()
        return told

    await put(manager, group, person)
    (told,) = heard()
    near = market.parts.groups
    assert isinstance(near, NearGroups) and verifyObject(IGroups, near)
    await near.of(person.id)
    near._receive("garbage")
    assert len(near._known) == 1, "what cannot be read says nothing"
    near._receive(json.loads(told)["p"])
    assert len(near._known) == 0
    await drop(manager, group, person)
    assert len(heard()) == 1
    cursor.execute(
        "insert into group_members (group_id, user_id, joined_at) values (%s, %s, now())", (group, person.id)
    )
    assert len(heard()) == 1
    await manager.request("DELETE", f"/api/groups/{group}")
    assert heard() == []
    listener.close()


# --- races ---


async def test_a_group_that_is_deleted_beside_an_addition_leaves_no_orphan(market: Market, database_url: str) -> None:
    manager, person = await market.person("manager"), await market.person()
    for number in range(4):
        group = await made(manager, f"Group {number}")
        with holding(database_url, "select from groups where id = %s for update", group) as held:
            acts = [put(manager, group, person), manager.request("DELETE", f"/api/groups/{group}")]
            answers = await meeting(database_url, held, *(acts if number % 2 else reversed(acts)))
        assert sorted(answer.status for answer in answers) in ([200, 204], [204, 404])
        assert await market.parts.database.rows(MEMBERS) == []


async def test_whoever_is_put_in_a_group_that_is_being_deleted_is_told_so(market: Market, database_url: str) -> None:
    """The deletion has happened, and waits for its entry in the audit log, when the other comes."""
    manager, person = await market.person("manager"), await market.person()
    group = await made(manager)
    with holding(database_url, "select from audit_head for update") as held:
        answers = await meeting(
            database_url, held, manager.request("DELETE", f"/api/groups/{group}"), put(manager, group, person)
        )
    assert [answer.status for answer in answers] == [204, 404], [answer.text for answer in answers]
    assert await market.parts.database.rows(MEMBERS) == []


async def test_an_account_that_is_closed_beside_an_addition_is_in_no_group(market: Market, database_url: str) -> None:
    manager = await market.person("manager")
    group = await made(manager)
    for first in (True, False):
        person = await market.person()
        with holding(database_url, "select from users where id = %s for update", person.id) as held:
            acts = [put(manager, group, person), person.request("DELETE", "/api/users/me")]
            answers = await meeting(database_url, held, *(acts if first else reversed(acts)))
        assert sorted(answer.status for answer in answers) in ([200, 204], [204, 404])
        assert await market.parts.database.rows(MEMBERS) == []


async def test_two_managers_who_add_and_remove_at_once_leave_one_state(market: Market) -> None:
    managers, person = [await market.person("manager") for _ in range(2)], await market.person()
    group = await made(managers[0])
    for _ in range(5):
        acts = [act(who, group, person) for who in managers for act in (put, drop) for _ in range(2)]
        for answer in await settled(*acts):
            assert answer.status in (200, 204, 404), answer.text
        inside = len(await market.parts.database.rows(MEMBERS)) == 1
        assert (group in await known(market, person)) == inside
        assert bool((await person.get("/api/users/me")).json()["groups"]) == inside


async def test_an_api_key_knows_the_groups_of_its_owner(market: Market) -> None:
    manager, person = await market.person("manager"), await market.person()
    group = await made(manager)
    await put(manager, group, person)
    caller = Caller(person.id, "buyer", market.parts.new_id(), scopes=frozenset())
    assert await groups_of(market.parts, caller) == {group}
    acting = attrs.evolve(caller, actor=manager.id, scopes=None)
    assert await groups_of(market.parts, acting) == {group}, "who acts for somebody buys at their price"

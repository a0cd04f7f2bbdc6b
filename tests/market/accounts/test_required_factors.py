"""A second factor that the market requires of some roles: who has none can do nothing but set one up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import attrs
import pyotp
import pytest

from harvestd.parts import Parts
from harvestd.store.postgres.statements import Statement, nothing
from harvestd.tables import ROUTES
from tests.market.accounts.test_api_keys import secret
from tests.people import Market, Person
from tests.web.client import Response
from tests.web.conftest import make_market, settled
from tests.web.test_who_may import asked

REQUIRED = "/problems/second-factor-required"
ROLE = Statement("test.role", "update users set role = :role where id = :user_id", nothing)
#: By which one comes to have a factor, sees who one is, and signs out; nothing else is open.
OPEN = {
    "getMe", "listSecondFactors", "setUpSecondFactor", "confirmSecondFactor", "deleteSecondFactor", "confirmSignIn", "signOut",
    "getSession", "endSession", "listSessions", "endSignIn",
}  # fmt: skip


@pytest.fixture
def strict(parts: Parts) -> Market:
    """A market that requires a second factor of its staff."""
    roles = ("manager", "admin")
    return make_market(attrs.evolve(parts, settings=attrs.evolve(parts.settings, second_factor_required_for=roles)))


def required(answer: Response) -> bool:
    return answer.status == 403 and answer.json()["type"] == REQUIRED


async def begun(person: Person, name: str = "telephone") -> tuple[str, Callable[[int], str]]:
    """A factor that does not count yet: its id, and its codes by steps from now."""
    answer = await person.post("/api/users/me/second-factors", {"name": name})
    assert answer.status == 201, answer.text
    totp = pyotp.TOTP(answer.json()["secret"])
    return answer.json()["id"], lambda steps: totp.at(datetime.now(UTC) + timedelta(seconds=30 * steps))


async def with_factor(person: Person, name: str = "telephone") -> str:
    id, code = await begun(person, name)
    answer = await person.post(f"/api/users/me/second-factors/{id}/confirm", {"code": code(-1)})
    assert answer.status == 200, answer.text
    return id


async def test_nothing_is_open_to_a_role_that_needs_one_but_what_leads_to_one(strict: Market) -> None:
    for role in ("manager", "admin"):
        wrong = []
        for route in ROUTES:
            if route.permission is None:
                continue
            answer = await asked((await strict.person(role)).client, route)
            if required(answer) if route.operation_id in OPEN else answer.status != 403:
                wrong.append(f"{route.name} as {role}: {answer.status} {answer.text}")
        assert not wrong, "\n".join(wrong)


async def test_others_need_none(strict: Market) -> None:
    for role in ("buyer", "farmer"):
        assert (await (await strict.person(role)).get("/api/orders")).status == 200


async def test_the_refusal_says_what_to_do_in_the_caller_s_language(parts: Parts) -> None:
    settings = attrs.evolve(
        parts.settings, second_factor_required_for=("admin",), market_languages=("en", "de"), private_registration=True
    )
    admin = await make_market(attrs.evolve(parts, settings=settings)).person("admin")
    english = (await admin.get("/api/orders")).json()
    assert (english["title"], "POST /api/users/me/second-factors" in english["detail"]) == (
        "Please set up a second factor",
        True,
    )
    german = (await admin.client.get("/api/orders", headers={"Accept-Language": "de"})).json()
    assert german["title"] == "Bitte richten Sie einen zweiten Faktor ein" and "Ihre Rolle" in german["detail"]


async def test_a_factor_that_counts_opens_everything_for_the_sign_in_that_was_there(strict: Market) -> None:
    admin = await strict.person("admin")
    assert required(await admin.get("/api/admin/users"))
    id, code = await begun(admin)
    assert required(await admin.get("/api/admin/users")), "one that was only begun does not count"
    assert (await admin.post(f"/api/users/me/second-factors/{id}/confirm", {"code": code(0)})).status == 200
    assert (await admin.get("/api/admin/users")).status == 200


async def test_a_browser_s_session_is_as_a_token(strict: Market) -> None:
    from tests.market.accounts.test_second_factors import BO, PASSWORD

    made = (await strict.stranger.post("/api/auth/register", BO)).json()["user"]
    await strict.parts.database.transaction(lambda tx: tx.run(ROLE, user_id=made["id"], role="manager"))
    answer = await strict.stranger.post("/api/auth/session", {"email": BO["email"], "password": PASSWORD})
    assert answer.status == 200, "it can sign in"
    headers = {"Cookie": answer.headers["set-cookie"].partition(";")[0], "X-CSRF-Token": answer.json()["csrf_token"]}
    assert (await strict.stranger.get("/api/auth/session", headers=headers)).status == 200
    assert required(await strict.stranger.get("/api/orders", headers=headers))
    assert (await strict.stranger.get("/api/products", headers=headers)).status == 200
    assert (await strict.stranger.request("DELETE", "/api/auth/session", headers=headers)).status == 204


async def test_its_api_keys_work_once_there_is_one(strict: Market, market: Market) -> None:
    admin = await market.person("admin")
    key = await secret(admin, "orders:read", "farm:products:write")
    client = strict.stranger.signed_in(key)
    assert required(await client.get("/api/orders"))
    await with_factor(Person(admin.id, admin.email, strict.stranger.signed_in(_token(admin))))
    assert (await client.get("/api/orders")).status == 200


def _token(person: Person) -> str:
    return dict(person.client.headers)["Authorization"].removeprefix("Bearer ")


async def test_where_anyone_may_ask_it_is_nobody(strict: Market, market: Market) -> None:
    farmer, admin = await market.farmer(), await market.person("admin")
    draft = await market.product(farmer, status="draft")
    client = strict.stranger.signed_in(_token(admin))
    assert (await admin.get(f"/api/products/{draft['id']}")).status == 200
    assert (await client.get(f"/api/products/{draft['id']}")).status == 404
    assert (await client.get("/api/products")).status == 200
    assert required(await client.get("/api/products?mine=true")), "a 401 would have clients sign in again"


async def test_the_last_one_stays_and_another_may_go(strict: Market) -> None:
    admin = await strict.person("admin")
    first, second = await with_factor(admin), await with_factor(admin, "laptop")
    begun_only, _ = await begun(admin, "never finished")
    path = "/api/users/me/second-factors"
    assert (await admin.request("DELETE", f"{path}/{begun_only}")).status == 204
    answers = await settled(*(admin.request("DELETE", f"{path}/{id}") for id in (first, second)))
    assert sorted(one.status for one in answers) == [204, 409], "also for two at once"
    refused = next(one for one in answers if one.status == 409).json()
    assert "set up another one first" in refused["detail"]
    left = (await admin.get(path)).json()
    assert len(left["items"]) == 1 and left["recovery_codes_left"] == 10


async def test_whoever_becomes_an_admin_needs_one_at_once(strict: Market) -> None:
    admin, other = await strict.person("admin"), await strict.person()
    await with_factor(admin)
    assert (await other.get("/api/orders")).status == 200
    answer = await admin.request("PATCH", f"/api/admin/users/{other.id}", {"role": "manager"})
    assert answer.status == 200, answer.text
    assert required(await other.get("/api/orders"))


async def test_a_promotion_beside_the_removal_of_the_last_one_leaves_no_admin_open_without(strict: Market) -> None:
    admin, other = await strict.person("admin"), await strict.person()
    await with_factor(admin)
    for _ in range(4):
        id = await with_factor(other)
        gone, made = await settled(
            other.request("DELETE", f"/api/users/me/second-factors/{id}"),
            admin.request("PATCH", f"/api/admin/users/{other.id}", {"role": "manager"}),
        )
        assert made.status == 200 and gone.status in (204, 409), (made.text, gone.text)
        assert required(await other.get("/api/orders")) == (gone.status == 204)
        assert (await admin.request("PATCH", f"/api/admin/users/{other.id}", {"role": "buyer"})).status == 200
        if gone.status == 409:
            assert (await other.request("DELETE", f"/api/users/me/second-factors/{id}")).status == 204


async def test_an_admin_does_not_take_their_own_away(strict: Market) -> None:
    admin = await strict.person("admin")
    await with_factor(admin)
    refused = await admin.request("PATCH", f"/api/admin/users/{admin.id}", {"second_factor": False})
    assert refused.status == 409 and "set up another one" in refused.json()["detail"]
    assert (await admin.get("/api/orders")).status == 200


async def test_who_loses_theirs_to_an_admin_is_closed_out_and_acts_for_nobody(strict: Market) -> None:
    admin, other, buyer = await strict.person("admin"), await strict.person("admin"), await strict.person()
    for one in (admin, other):
        await with_factor(one)
    acting = await other.post(f"/api/admin/users/{buyer.id}/impersonate", {"reason": "Cannot find the button."})
    client = strict.stranger.signed_in(acting.json()["access_token"])
    assert (await client.get("/api/orders")).status == 200
    answer = await admin.request("PATCH", f"/api/admin/users/{other.id}", {"second_factor": False})
    assert answer.status == 200, answer.text
    assert required(await other.get("/api/orders"))
    assert (await client.get("/api/orders")).status == 401
    await with_factor(other)
    assert (await other.get("/api/orders")).status == 200


async def test_what_is_open_without_one_is_marked_in_the_table() -> None:
    assert {route.operation_id for route in ROUTES if route.without_factor} == OPEN

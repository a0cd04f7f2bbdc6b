"""One Idempotency-Key, one effect, one answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import attrs
import pytest
from twisted.internet.defer import Deferred

from harvestd.parts import Parts
from harvestd.store import idempotency
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.statements import Statement, scalar
from harvestd.web.server import make_site
from tests.waiting import eventually
from tests.web.client import Client, Response, encode
from tests.web.conftest import token_for
from tests.web.dummies import COUNT, ROUTES, seen

ANNA, BERT = "01970000-0000-7000-8000-00000000000a", "01970000-0000-7000-8000-00000000000b"
KEYS = Statement("test_keys", "select count(*) from idempotency_keys", scalar)
EVENTS = Statement("test_events", "select count(*) from outbox", scalar)


@pytest.fixture(autouse=True)
def without_pause() -> Iterator[None]:
    seen.pause = None
    yield
    seen.pause = None


@pytest.fixture
def anna(store_client: Client) -> Client:
    return store_client.signed_in(token_for(ANNA))


async def create(client: Client, key: str | None, name: str = "leek", path: str = "/api/things") -> Response:
    return await client.post(path, {"name": name}, headers={} if key is None else {"Idempotency-Key": key})


async def test_a_retry_gets_the_first_answer_again(anna: Client, database: Database) -> None:
    first = await create(anna, "k1")
    again = await create(anna, "k1")
    assert (first.status, first.headers["etag"][:4]) == (201, '"v1-')
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    for name in ("location", "etag", "content-type"):
        assert again.headers[name] == first.headers[name]
    assert (again.status, again.body) == (first.status, first.body)
    assert [await database.row(s) for s in (COUNT, EVENTS, KEYS)] == [1, 1, 1]


async def test_bare_and_quoted_are_the_same_key(anna: Client) -> None:
    first = await create(anna, "k1")
    assert (await create(anna, '"k1"')).body == first.body


async def test_the_same_key_with_another_body_is_422(anna: Client, database: Database) -> None:
    await create(anna, "k1")
    other = await create(anna, "k1", "beet")
    assert (other.status, other.json()["type"]) == (422, "/problems/key-reused")
    assert await database.row(COUNT) == 1


async def test_the_same_key_on_another_path_is_422(anna: Client) -> None:
    await create(anna, "k1")
    assert (await create(anna, "k1", path="/api/maybe")).status == 422


async def test_another_users_key_is_another_key(store_client: Client, anna: Client, database: Database) -> None:
    first = await create(anna, "k1")
    other = await create(store_client.signed_in(token_for(BERT)), "k1", "beet")
    assert other.status == 201
    assert other.json()["id"] != first.json()["id"]
    assert await database.row(COUNT) == 2


@pytest.mark.parametrize("key", [None, "", " ", "a b", '""', "k" * 256, '"a"b', "é"])
async def test_a_required_key_that_is_missing_or_bad_is_400(anna: Client, key: str | None) -> None:
    response = await create(anna, key)
    assert (response.status, response.json()["type"]) == (400, "/problems/idempotency-key")


@pytest.mark.parametrize("key", ["k", "k" * 255, "!~", '"' + "k" * 255 + '"'])
async def test_1_to_255_visible_characters_are_a_key(anna: Client, key: str) -> None:
    assert (await create(anna, key)).status == 201


async def test_a_missing_key_is_told_before_what_is_wrong_with_the_body(anna: Client) -> None:
    assert (await create(anna, None, "")).status == 400


async def test_an_optional_key_may_be_left_out(anna: Client, database: Database) -> None:
    assert (await create(anna, None, path="/api/maybe")).status == 201
    assert (await create(anna, None, path="/api/maybe")).status == 201
    assert (await create(anna, "bad key", path="/api/maybe")).status == 400
    assert [await database.row(s) for s in (COUNT, KEYS)] == [2, 0]


async def test_validation_failures_are_not_stored(anna: Client) -> None:
    assert (await create(anna, "k1", "")).status == 422
    assert (await create(anna, "k1", "leek")).status == 201


async def test_20_at_once_have_one_effect(anna: Client, database: Database) -> None:
    """Those that come while the first is worked on are told so; all the others get its answer."""
    seen.pause = 0.2
    answers = [Deferred.fromCoroutine(create(anna, "k1")) for _ in range(20)]
    responses = [await answer for answer in answers]
    statuses = sorted(response.status for response in responses)
    assert set(statuses) <= {201, 409}
    assert statuses.count(201) >= 1
    assert len({response.body for response in responses if response.status == 201}) == 1
    assert {r.json()["type"] for r in responses if r.status == 409} <= {"/problems/key-in-flight"}
    assert [await database.row(s) for s in (COUNT, EVENTS, KEYS)] == [1, 1, 1]
    assert (await create(anna, "k1")).headers["idempotent-replayed"] == "true"


async def test_a_key_is_free_again_after_its_time(parts: Parts, database: Database) -> None:
    later = attrs.evolve(parts, now=lambda: parts.now() + timedelta(seconds=86401))
    token = token_for(ANNA, ttl=200_000)
    first = await create(Client(make_site(parts, ROUTES)).signed_in(token), "k1")
    second = await create(Client(make_site(later, ROUTES)).signed_in(token), "k1", "beet")
    assert (first.status, second.status) == (201, 201)
    assert await database.row(COUNT) == 2


async def test_old_keys_are_forgotten(anna: Client, parts: Parts, database: Database) -> None:
    await create(anna, "k1")
    now = parts.now()
    assert await database.transaction(lambda tx: idempotency.forget(tx, now, 60)) == 0
    assert await database.transaction(lambda tx: idempotency.forget(tx, now + timedelta(seconds=61), 60)) == 1


async def test_a_client_that_hangs_up_leaves_a_whole_result(anna: Client, parts: Parts, database: Database) -> None:
    """The transaction ends as if the client had stayed, its connection goes back healthy, and the retry gets the answer."""
    seen.pause = 0.2
    wires = [anna.connect() for _ in range(6)]
    for number, wire in enumerate(wires):
        wire.send(
            encode(
                "POST", "/api/things", json={"name": "leek"}, headers={**anna.headers, "Idempotency-Key": f"k{number}"}
            )
        )
    await eventually("a statement runs", lambda: database.pool.state()["active"] > 0)
    for wire in wires:
        wire.hang_up()

    async def six() -> bool:
        return bool(await database.row(COUNT) == 6)

    await eventually("all six are written", six)
    assert [await database.row(s) for s in (EVENTS, KEYS)] == [6, 6]
    assert [bytes(wire.transport.written) for wire in wires] == [b""] * 6
    seen.pause = None
    retry = await create(anna, "k3")
    assert (retry.status, retry.headers["idempotent-replayed"]) == (201, "true")
    assert database.pool.state() == {"open": 4, "active": 0, "waiting": 0}


async def test_after_a_commit_the_relay_is_woken_and_the_cache_dropped(anna: Client, parts: Parts) -> None:
    seen.version = 1
    assert (await anna.get("/api/cached")).json()["items"][0]["name"] == "Leek 1"
    seen.version = 2
    assert (await anna.get("/api/cached")).json()["items"][0]["name"] == "Leek 1"
    await create(anna, "k1")
    assert (await anna.get("/api/cached")).json()["items"][0]["name"] == "Leek 2"
    assert parts.wake_relay.count == 1  # type: ignore[attr-defined]


async def test_without_the_database_it_is_503_and_the_key_is_free(anna: Client, database: Database) -> None:
    await database.stop()
    response = await create(anna, "k1")
    assert (response.status, response.json()["type"]) == (503, "/problems/unavailable")
    assert int(response.headers["retry-after"]) >= 1


async def test_when_every_connection_is_busy_the_wait_is_bounded_and_health_is_alive(
    anna: Client, database: Database
) -> None:
    """Four connections, five requests of more than the longest wait."""
    seen.pause = 2.5
    busy = [Deferred.fromCoroutine(create(anna, f"k{number}")) for number in range(4)]
    await eventually("all are busy", lambda: database.pool.state()["active"] == 4)
    last = Deferred.fromCoroutine(create(anna, "k4"))
    assert (await anna.get("/health")).status == 200
    assert not last.called
    assert (await last).status == 503
    assert {(await one).status for one in busy} == {201}

"""Steps of long work: each takes effect once, whatever becomes of the worker that does it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest

from harvestd.kernel.errors import Invalid
from harvestd.market.long_work import rows, running
from harvestd.market.long_work.kinds import Operation, Step
from harvestd.market.operations import housekeeping
from harvestd.store.leases import Lost
from harvestd.store.postgres.statements import Statement
from harvestd.unit_of_work import UnitOfWork, change
from tests.market.long_work.work import begun, count, kind, knowing, later, run, seen
from tests.people import Market
from tests.web.client import Client
from tests.web.conftest import make_market

Errors = Callable[..., list[str]]

ROWS = Statement(
    "test.operations",
    "select (select count(*) from operations), (select count(*) from operation_files)",
    lambda *n: n,
)


async def written(market: Market, id: str) -> bytes:
    return await rows.file(market.parts.database, id)


async def test_work_goes_from_queued_to_succeeded_and_its_file_has_each_step_once(market: Market) -> None:
    person, parts = await market.person(), knowing(market.parts, kind())
    id = await begun(market, person, parts)
    first = await seen(person, id)
    assert (first["status"], first["progress"], first["result"]) == ("queued", {"done": 0, "total": 3}, None)
    await run(parts)
    last = await seen(person, id)
    assert (last["status"], last["progress"], last["errors"]) == ("succeeded", {"done": 3, "total": 3}, [])
    assert last["finished_at"] and (last["result"]["last"], last["result"]["size"]) == (3, 6)
    assert await written(market, id) == b"1\n2\n3\n"


async def test_a_worker_that_died_in_a_step_is_taken_over_from_and_nothing_is_done_twice(market: Market) -> None:
    person, parts = await market.person(), knowing(market.parts, kind())
    id = await begun(market, person, parts)
    claimed = await change(parts, running._claim)  # and then it dies
    assert claimed is not None
    await run(parts)
    assert (await seen(person, id))["progress"]["done"] == 0, "another has it, as far as anybody knows"
    await run(await later(parts, running.CLAIM * parts.settings.work_lease + 1))
    assert await written(market, id) == b"1\n2\n3\n"


async def test_one_that_was_only_frozen_finds_its_claim_gone_and_what_it_did_undone(market: Market) -> None:
    person, parts = await market.person(), knowing(market.parts, kind())
    id = await begun(market, person, parts)
    frozen = await change(parts, running._claim)
    assert frozen is not None
    await run(await later(parts, 60))
    with pytest.raises(Lost):
        await running._tried(parts, frozen)
    assert (await written(market, id), (await seen(person, id))["status"]) == (b"1\n2\n3\n", "succeeded")


async def test_work_that_was_cancelled_during_a_step_keeps_nothing_of_that(market: Market) -> None:
    person = await market.person()

    async def cancelled(unit: UnitOfWork, operation: Operation) -> Step:
        answer = await person.request("DELETE", f"/api/operations/{operation.id}")
        assert (answer.status, answer.json()["status"]) == (200, "cancelled"), answer.text
        return await count(unit, operation)

    parts = knowing(market.parts, kind(cancelled))
    id = await begun(market, person, parts)
    await run(parts)
    assert (await seen(person, id))["status"] == "cancelled"
    assert await market.parts.database.row(ROWS) == (1, 0)


async def test_a_step_that_fails_is_tried_again_and_then_given_up(market: Market, expected_errors: Errors) -> None:
    person, tried = await market.person(), []

    async def broken(unit: UnitOfWork, operation: Operation) -> Step:
        tried.append(operation.tries)
        raise RuntimeError("out of order")

    parts = knowing(market.parts, kind(broken))
    id = await begun(market, person, parts)
    for _ in range(9):
        await run(parts)
        parts = await later(parts, 200)
    assert tried == [1, 2, 3, 4, 5] and len(expected_errors(RuntimeError)) == 5
    found = await seen(person, id)
    assert (found["status"], [one["code"] for one in found["errors"]]) == ("failed", ["failed"])


async def test_a_step_that_kills_its_workers_is_given_up_too(market: Market, expected_errors: Errors) -> None:
    person, parts = await market.person(), knowing(market.parts, kind())
    id = await begun(market, person, parts)
    for _ in range(5):
        assert await change(parts, running._claim) is not None
        parts = await later(parts, 60)
    await run(parts)
    assert (await seen(person, id))["status"] == "failed" and expected_errors()


async def test_one_success_forgets_the_failures_before_it(market: Market, expected_errors: Errors) -> None:
    person, failed = await market.person(), set[Any]()

    async def shaky(unit: UnitOfWork, operation: Operation) -> Step:
        if operation.tries < 4:
            failed.add((operation.state.get("n"), operation.tries))
            raise RuntimeError("once more")
        return await count(unit, operation)

    parts = knowing(market.parts, kind(shaky))
    id = await begun(market, person, parts)
    for _ in range(12):
        await run(parts)
        parts = await later(parts, 200)
    assert ((await seen(person, id))["status"], len(failed)) == ("succeeded", 9) and expected_errors(RuntimeError)


async def test_what_is_refused_ends_the_work_with_its_errors_in_the_caller_s_language(market: Market) -> None:
    person = await market.person()

    async def refused(unit: UnitOfWork, operation: Operation) -> Step:
        raise Invalid.of("rows[7].price", "must be 0 or more", "below-minimum", minimum="0")

    parts = knowing(market.parts, kind(refused))
    id = await begun(market, person, parts)
    await run(parts)
    (error,) = (await seen(person, id))["errors"]
    assert (error["field"], error["code"], error["params"]) == ("rows[7].price", "below-minimum", {"minimum": "0"})
    settings = attrs.evolve(market.parts.settings, market_languages=("en", "de"))
    there = Client(make_market(attrs.evolve(market.parts, settings=settings)).stranger.site, person.client.headers)
    (german,) = (await there.get(f"/api/operations/{id}", headers={"Accept-Language": "de"})).json()["errors"]
    assert german["code"] == error["code"] and german["message"] != error["message"]


async def test_two_pieces_of_work_take_turns(market: Market) -> None:
    one, other, turns = await market.person(), await market.person(), []

    async def noted(unit: UnitOfWork, operation: Operation) -> Step:
        turns.append(operation.user_id)
        return await count(unit, operation)

    parts = knowing(market.parts, kind(noted))
    for person in (one, other):
        await begun(market, person, parts)
    moment = iter(range(1, 100))
    ticking = attrs.evolve(parts, now=lambda: market.parts.now() + timedelta(seconds=next(moment)))
    await run(ticking)
    assert turns == [one.id, other.id] * 3


async def test_work_that_is_over_is_kept_for_so_long_and_then_deleted_with_its_file(market: Market) -> None:
    person, parts = await market.person(), knowing(market.parts, kind())
    await begun(market, person, parts)
    await run(parts)
    kept = parts.settings.operations_keep
    await housekeeping.tidy(await later(parts, kept - 60))
    assert (await market.parts.database.row(ROWS))[0] == 1
    await housekeeping.tidy(await later(parts, kept + 60))
    assert await market.parts.database.row(ROWS) == (0, 0)


async def test_work_that_goes_on_is_never_swept(market: Market) -> None:
    person, parts = await market.person(), knowing(market.parts, kind())
    await begun(market, person, parts)
    await housekeeping.tidy(await later(parts, 40 * parts.settings.operations_keep))
    assert await market.parts.database.row(ROWS) == (1, 0)


async def test_a_file_has_a_maximum_beyond_which_the_work_has_failed(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, parts = await market.person(), knowing(market.parts, kind())
    monkeypatch.setattr("harvestd.market.long_work.actions.MAX_FILE", 4)
    fits, other = await begun(market, person, parts, 2), await begun(market, person, parts, 3)
    await run(parts)
    assert [(await seen(person, id))["status"] for id in (fits, other)] == ["succeeded", "failed"]
    assert (await written(market, fits), await written(market, other)) == (b"1\n2\n", b"")
    assert market.broken() == []

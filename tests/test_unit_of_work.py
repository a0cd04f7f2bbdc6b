"""The unit of work: what is changed, recorded and told in it is one; what follows its commit follows that alone."""

from __future__ import annotations

import attrs
import pytest
from psycopg2.extensions import TransactionRollbackError

from harvestd.kernel.families import stale
from harvestd.parts import Parts
from harvestd.settings.table import Settings
from harvestd.store import outbox
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.statements import Statement, scalar
from harvestd.unit_of_work import UnitOfWork, change
from tests.web.conftest import Wakes, make_parts

_WRITE = Statement(
    "test.uow_write",
    "insert into categories (id, slug, name, created_at, updated_at) values (:id, :slug, :slug, now(), now())",
    scalar,
)
_HELD = Statement("test.uow_held", "select slug from categories order by slug", scalar)


@pytest.fixture
def parts(settings: Settings, database: Database) -> Parts:
    return make_parts(settings, database)


def woken(parts: Parts) -> int:
    assert isinstance(parts.wake_relay, Wakes)
    return parts.wake_relay.count


async def write(unit: UnitOfWork, slug: str) -> None:
    await unit.tx.run(_WRITE, id=unit.new_id(), slug=slug)


async def test_change_events_and_what_follows_are_one(parts: Parts) -> None:
    order: list[str] = []

    async def follows() -> None:
        held = await parts.database.rows(_HELD)
        order.append(f"after {held}")

    async def work(unit: UnitOfWork) -> str:
        await write(unit, "roots")
        unit.record(stale("category:1", 1, "categories"))
        unit.on_commit(follows)
        order.append("work")
        return "done"

    assert await change(parts, work) == "done"
    assert order == ["work", "after ['roots']"], (
        "what follows finds it committed, and is done before whoever asked goes on"
    )
    assert [row.type for row in await outbox.unsent(parts.database, 10)] == ["cache.invalidate"]
    assert woken(parts) == 1


async def test_what_fails_leaves_nothing_and_nothing_follows(parts: Parts) -> None:
    followed: list[str] = []

    async def follows() -> None:
        followed.append("followed")

    async def work(unit: UnitOfWork) -> None:
        await write(unit, "roots")
        unit.record(stale("category:1", 1, "categories"))
        unit.on_commit(follows)
        raise LookupError("no")

    with pytest.raises(LookupError):
        await change(parts, work)
    assert await parts.database.rows(_HELD) == [] and await outbox.unsent(parts.database, 10) == []
    assert (followed, woken(parts)) == ([], 0)


async def test_of_work_that_ran_again_the_run_that_was_kept_alone_is_followed(parts: Parts) -> None:
    followed: list[int] = []
    runs = 0

    async def work(unit: UnitOfWork) -> None:
        nonlocal runs
        runs += 1
        mine = runs

        async def follows() -> None:
            followed.append(mine)

        await write(unit, f"roots-{mine}")
        unit.record(stale("category:1", mine, "categories"))
        unit.on_commit(follows)
        if mine == 1:
            raise TransactionRollbackError("somebody else was first")

    await change(parts, work)
    assert (runs, followed, woken(parts)) == (2, [2], 1)
    assert await parts.database.rows(_HELD) == ["roots-2"]
    assert [row.version for row in await outbox.unsent(parts.database, 10)] == [2]


async def test_one_moment_holds_for_all_of_it_and_all_its_runs(parts: Parts) -> None:
    moments = []

    async def work(unit: UnitOfWork) -> None:
        moments.append(unit.now)
        if len(moments) == 1:
            raise TransactionRollbackError("somebody else was first")

    await change(parts, work)
    assert len(moments) == 2 and len(set(moments)) == 1


async def test_without_an_event_nobody_is_woken(parts: Parts) -> None:
    await change(parts, lambda unit: write(unit, "roots"))
    assert woken(parts) == 0


@attrs.frozen
class Happened:
    what: str


async def test_who_listens_acts_in_the_same_transaction_and_in_order(parts: Parts) -> None:
    async def first(unit: UnitOfWork, happened: Happened) -> None:
        await write(unit, f"first-{happened.what}")

    async def second(unit: UnitOfWork, happened: Happened) -> None:
        await write(unit, f"second-{len(await unit.tx.rows(_HELD))}")

    parts = attrs.evolve(parts, listeners={Happened: [first, second]})
    await change(parts, lambda unit: unit.tell(Happened("roots")))
    assert await parts.database.rows(_HELD) == ["first-roots", "second-1"]


async def test_who_listens_and_fails_undoes_all(parts: Parts) -> None:
    async def fails(unit: UnitOfWork, happened: Happened) -> None:
        raise LookupError(happened.what)

    async def work(unit: UnitOfWork) -> None:
        await write(unit, "roots")
        await unit.tell(Happened("no"))

    with pytest.raises(LookupError):
        await change(attrs.evolve(parts, listeners={Happened: [fails]}), work)
    assert await parts.database.rows(_HELD) == []


@pytest.mark.logs_errors
async def test_what_follows_a_commit_and_fails_neither_undoes_it_nor_keeps_the_rest(parts: Parts) -> None:
    followed: list[str] = []

    async def fails() -> None:
        raise LookupError("no")

    async def follows() -> None:
        followed.append("followed")

    async def work(unit: UnitOfWork) -> str:
        await write(unit, "roots")
        unit.on_commit(fails)
        unit.on_commit(follows)
        return "done"

    assert await change(parts, work) == "done"
    assert followed == ["followed"] and await parts.database.rows(_HELD) == ["roots"]

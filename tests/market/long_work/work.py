"""A kind of work for tests, and its worker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import attrs

from harvestd.kernel.permissions import Permission
from harvestd.market.long_work import actions, running
from harvestd.market.long_work.kinds import File, LongWork, Operation, Step
from harvestd.parts import Parts
from harvestd.store.postgres.statements import Statement, nothing
from harvestd.unit_of_work import UnitOfWork, change
from harvestd.web.context import Caller
from tests.people import Market, Person

#: An effect of a step: a line in its file.
LINE = b"%d\n"
AGE = Statement("test.age", "update operations set due_at = :at where id = :id", nothing)


async def count(unit: UnitOfWork, operation: Operation) -> Step:
    """Write the numbers up to ``given["upto"]``, one a step."""
    n = operation.state.get("n", 0) + 1
    await actions.append(unit, operation, LINE % n)
    upto = operation.given["upto"]
    return Step(n, upto, {"n": n} if n < upto else None, {"last": n})


def kind(step: Callable[[UnitOfWork, Operation], Awaitable[Step]] = count, **more: Any) -> LongWork:
    """It."""
    return LongWork(
        name="test.count", step=step, permission=Permission.OWN_OPERATIONS, file=File("numbers.txt", "text/plain"), **more
    )  # fmt: skip


def knowing(parts: Parts, work: LongWork, now: datetime | None = None) -> Parts:
    """The parts of a process that knows this kind, at some time."""
    known = attrs.evolve(parts, long_work={**parts.long_work, work.name: work})
    return known if now is None else attrs.evolve(known, now=lambda: now)


async def begun(market: Market, person: Person, parts: Parts, upto: int = 3) -> str:
    """The id of a new operation of the person."""
    caller = Caller(person.id, "buyer", "")

    async def work(unit: UnitOfWork) -> str:
        operation, _ = await actions.begin(unit, caller, "test.count", {"upto": upto}, upto)
        return operation.id

    return await change(parts, work)


async def seen(person: Person, id: str) -> dict[str, Any]:
    """An operation as its owner sees it."""
    answer = await person.get(f"/api/operations/{id}")
    assert answer.status == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def later(parts: Parts, seconds: float) -> Parts:
    """The same at a later time."""
    then = parts.now() + timedelta(seconds=seconds)
    return attrs.evolve(parts, now=lambda: then)


run = running.run

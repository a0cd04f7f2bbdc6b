"""Categories nest so deep, and no deeper: neither by a new one, nor by moving those that have others below them, nor by two moves at once."""

from __future__ import annotations

from typing import Any

from harvestd.market.catalogue.category_rules import MAX_DEPTH
from harvestd.store.postgres.statements import Statement, scalar
from tests.people import Market, Person
from tests.web.conftest import settled

_DEEPEST = Statement(
    "test.deepest",
    """with recursive below as (
           select id, 1 as level from categories where parent_id is null
           union all select c.id, b.level + 1 from categories c join below b on c.parent_id = b.id
       ) select max(level) from below""",
    scalar,
)
TOO_DEEP = (422, [("parent_id", "too-deep", {"maximum": "8"})])


async def chain(admin: Person, name: str, levels: int) -> list[str]:
    """Categories one below the other, from the top."""
    ids: list[str] = []
    for n in range(levels):
        made = await admin.post("/api/categories", {"name": f"{name} {n}", "parent_id": ids[-1] if ids else None})
        assert made.status == 201, made.text
        ids.append(made.json()["id"])
    return ids


async def move(admin: Person, id: str, below: str | None) -> Any:
    return await admin.request("PATCH", f"/api/categories/{id}", {"parent_id": below}, If_Match="*")


def refused(answer: Any) -> Any:
    return answer.status, [(e["field"], e["code"], e["params"]) for e in answer.json()["errors"]]


async def test_no_new_one_is_below_the_deepest(market: Market) -> None:
    admin = await market.person("admin")
    ids = await chain(admin, "Food", MAX_DEPTH)
    assert refused(await admin.post("/api/categories", {"name": "One more", "parent_id": ids[-1]})) == TOO_DEEP
    assert (await admin.post("/api/categories", {"name": "Beside", "parent_id": ids[-2]})).status == 201


async def test_what_is_moved_counts_with_all_below_it(market: Market) -> None:
    admin = await market.person("admin")
    one, two = await chain(admin, "One", 5), await chain(admin, "Two", 4)
    assert refused(await move(admin, two[0], one[-1])) == TOO_DEEP
    assert (await move(admin, two[1], one[-1])).status == 200, "five and three"
    assert refused(await move(admin, one[0], two[0])) == TOO_DEEP, "with what has just come below it"
    renamed = await admin.request(
        "PATCH", f"/api/categories/{two[-1]}", {"name": "Deepest", "parent_id": two[-2]}, If_Match="*"
    )
    assert renamed.status == 200, "it stays where it is"
    assert (await move(admin, two[1], None)).status == 200
    assert (await move(admin, one[0], two[0])).status == 200
    assert await market.parts.database.row(_DEEPEST) == 6


async def test_moves_at_once_come_no_deeper(market: Market) -> None:
    """Each alone would fit."""
    admin = await market.person("admin")
    for turn in range(5):
        one, two, three = [await chain(admin, f"{name} {turn}", 4) for name in ("A", "B", "C")]
        answers = await settled(move(admin, two[0], one[-1]), move(admin, three[0], two[-1]))
        assert sorted(answer.status for answer in answers) == [200, 422]
        assert (await market.parts.database.row(_DEEPEST) or 0) <= MAX_DEPTH
    assert market.broken() == []

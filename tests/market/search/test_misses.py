"""Searches that find nothing are counted without anybody's name, and the market's staff sees them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import attrs
import pytest
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from harvestd.interfaces import ISearchMisses
from harvestd.kernel.errors import Unavailable
from harvestd.kernel.permissions import ROLES
from harvestd.market.operations.housekeeping import tidy
from harvestd.market.search import miss_rows
from harvestd.market.search.misses import BATCH, MAX_DIFFERENT, Misses
from harvestd.store.postgres.statements import Statement, nothing
from tests.people import Market
from tests.web.client import Client
from tests.web.conftest import make_market

BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}
PATH = "/api/admin/search/misses"
NOON = datetime(2026, 5, 9, 12, tzinfo=UTC)
ROWS = Statement(
    "test.misses",
    "select day::text, query, language, area, count from search_misses order by 1, 2, 3, 4",
    lambda *row: row,
)
ADD = Statement(
    "test.add_miss",
    "insert into search_misses (day, query, language, area, count) values (:day::date, :query, :language, :area, :count)",
    nothing,
)


def counting(market: Market, clock: Any = None) -> tuple[Market, Misses]:
    """The market with searches counted, by a clock that stands still."""
    misses = Misses(clock or Clock(), market.parts.database, lambda: NOON)
    settings = attrs.evolve(market.parts.settings, market_languages=("en", "de"))
    return make_market(attrs.evolve(market.parts, search_misses=misses, settings=settings)), misses


async def search(client: Client, query: str, **headers: str) -> None:
    answer = await client.get(
        f"/api/search?{query}",
        headers={**BROWSER, **{name.replace("_", "-"): value for name, value in headers.items()}},
    )
    assert answer.status == 200, answer.text


async def rows(market: Market) -> list[tuple[Any, ...]]:
    return await market.parts.database.rows(ROWS)


async def test_what_is_not_found_is_counted_each_time_also_if_the_answer_is_cached(market: Market) -> None:
    market, misses = counting(market)
    await market.product(await market.farmer())
    await market.work()
    for _ in range(4):
        await search(market.stranger, "q=Quinces")
    await search(market.stranger, "q=quinces&near=48.85,2.35", Accept_Language="de")
    await search(market.stranger, "q=carrots")
    await search((await market.person()).client, "q=QUINCES")
    assert await rows(market) == []
    await misses.flush()
    assert await rows(market) == [("2026-05-09", "quinces", "de", "48,2", 1), ("2026-05-09", "quinces", "en", "", 5)]
    await search(market.stranger, "q=quinces")
    await misses.flush()
    assert (await rows(market))[1][-1] == 6
    assert verifyObject(ISearchMisses, misses)


@pytest.mark.parametrize(
    ("query", "headers"),
    [("q=bo%40example.org", {}), ("q=%2B43+664+1234567", {}), ("q=", {}), ("q=---", {}), ("q=quinces&farm={farm}", {}), ("q=quinces&in_stock=true", {}),
     ("q=quinces&free_from=nuts", {}), ("q=quinces", {"User_Agent": "Googlebot/2.1"}), ("q=quinces", {"User_Agent": ""})],
)  # fmt: skip
async def test_neither_persons_numbers_nor_programs_nor_filters_are_counted(
    market: Market, query: str, headers: dict[str, str]
) -> None:
    market, misses = counting(market)
    farmer = await market.farmer()
    for _ in range(3):
        await search(market.stranger, query.format(farm=farmer.farm_id), **headers)
    await misses.flush()
    assert await rows(market) == []


async def test_a_batch_is_written_some_seconds_after_its_first_and_again_if_the_database_was_away(
    market: Market,
) -> None:
    clock, real, away = Clock(), market.parts.database, [True]

    class Sometimes:
        async def transaction(self, work: Any, **more: Any) -> Any:
            if away.pop():
                raise Unavailable("the database is away")
            return await real.transaction(work, **more)

    misses = Misses(clock, Sometimes(), lambda: NOON)  # type: ignore[arg-type]
    misses.note("quinces", "en", "")
    misses.note("quinces", "en", "")
    clock.advance(BATCH - 0.1)
    assert away == [True]
    clock.advance(0.1)
    assert away == [] and await rows(market) == []
    away.append(False)
    misses.note("quinces", "en", "")
    await misses.stop()
    assert [row[-1] for row in await rows(market)] == [3] and clock.getDelayedCalls() == []


async def test_somebody_who_invents_words_fills_neither_memory_nor_disk(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    misses = Misses(Clock(), market.parts.database, lambda: NOON)
    for n in range(MAX_DIFFERENT + 5):
        misses.note(f"w{n}", "en", "")
    misses.note("w0", "en", "")
    assert len(misses._counts) == MAX_DIFFERENT and max(misses._counts.values()) == 2
    await misses.flush()
    assert len(await rows(market)) == MAX_DIFFERENT
    monkeypatch.setattr(miss_rows, "MAX_A_DAY", MAX_DIFFERENT)
    misses.note("w0", "en", "")
    misses.note("another", "en", "")
    await misses.flush()
    found = await rows(market)
    assert len(found) == MAX_DIFFERENT and [row[-1] for row in found if row[1] == "w0"] == [3]


async def test_the_staff_sees_the_most_frequent_first_page_by_page(market: Market) -> None:
    manager = await market.person("manager")
    for day, query, language, area, count in (
        ("2026-05-01", "quinces", "en", "", 2), ("2026-05-02", "quinces", "de", "48,2", 3), ("2026-05-02", "medlars", "en", "", 5),
        ("2026-05-03", "apricots", "en", "", 5), ("2026-05-03", "cherries", "en", "-1,-2", 9),
    ):  # fmt: skip
        await market.parts.database.transaction(
            lambda tx, values=(day, query, language, area, count): tx.run(  # type: ignore[misc]
                ADD, **dict(zip(("day", "query", "language", "area", "count"), values, strict=True))
            )
        )
    whole = (await manager.get(f"{PATH}?count=true")).json()
    assert [(one["query"], one["count"]) for one in whole["items"]] == [
        ("cherries", 9),
        ("apricots", 5),
        ("medlars", 5),
        ("quinces", 5),
    ]
    assert whole["total"] == 4 and whole["items"][3] == {
        "query": "quinces", "count": 5, "languages": ["de", "en"], "areas": ["48,2"], "last_on": "2026-05-02",
    }  # fmt: skip
    found, following = [], ""
    while True:
        page = (await manager.get(f"{PATH}?limit=1{following}")).json()
        found += page["items"]
        if page["next"] is None:
            break
        following = f"&after={quote(page['next'])}"
    assert found == whole["items"]
    some = (await manager.get(f"{PATH}?from=2026-05-01&to=2026-05-02&count=true")).json()
    assert [(one["query"], one["count"]) for one in some["items"]] == [("medlars", 5), ("quinces", 5)] and some[
        "total"
    ] == 2
    wrong = await manager.get(f"{PATH}?from=2026-05-02&to=2026-05-01")
    assert (wrong.status, wrong.json()["errors"][0]["code"]) == (422, "before-start")


@pytest.mark.parametrize("role", [role for role in ROLES if role not in ("manager", "admin")])
async def test_nobody_but_the_market_s_staff_sees_what_is_not_found(market: Market, role: str) -> None:
    assert (await (await market.person(role, "Farm" if role == "farmer" else None)).get(PATH)).status == 403
    assert (await market.stranger.get(PATH)).status == 401


async def test_what_was_not_found_is_forgotten_after_a_while(market: Market) -> None:
    now = market.parts.now()
    keep = timedelta(seconds=market.parts.settings.search_misses_keep)
    for days in (0, 1):
        day = (now - keep - timedelta(days=days)).date().isoformat()
        await market.parts.database.transaction(
            lambda tx, day=day: tx.run(ADD, day=day, query="quinces", language="en", area="", count=1)  # type: ignore[misc]
        )
    await tidy(market.parts)
    assert [row[0] for row in await rows(market)] == [(now - keep).date().isoformat()]

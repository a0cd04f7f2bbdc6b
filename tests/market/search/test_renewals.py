"""What a search document copies is renewed when its source changes."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from harvestd.market.search import renewals as search_renewals
from harvestd.market.search.copied import COPIED
from harvestd.store.postgres.statements import Statement, nothing
from tests.people import Market
from tests.web.conftest import make_market

#: A change of each source, as people make it.
CHANGES: dict[tuple[str, str], dict[str, Any]] = {
    ("farm", "slug"): {"slug": "other-acres"},
    ("farm", "name"): {"name": "Other Acres"},
    ("farm", "latitude"): {"location": {"latitude": 10.5, "longitude": 11.0, "address": ""}},
    ("farm", "longitude"): {"location": {"latitude": 48.0, "longitude": 20.5, "address": ""}},
    ("farm", "benefits"): {"benefits": ["snap", "wic"]},
    ("farm", "state"): {"state": "suspended", "reason": "No answer for weeks."},
    ("category", "slug"): {"slug": "other-roots"},
    ("category", "name"): {"name": "Other roots"},
    ("category", "translations"): {"translations": {"fr": {"name": "Racines"}}},
}


#: As documents were before a new key, and what says that they lack it.
STRIPPED = Statement(
    "test.stripped", "update search_documents d set lexemes = ts_delete(lexemes, search_keys_of(d))", nothing
)
KEYLESS = Statement(
    "test.keyless", "insert into search_renewals (source, id) values ('keys', gen_random_uuid())", nothing
)


async def copies(market: Market, field: str) -> list[Any]:
    statement = Statement(f"test.copies.{field}", f"select {field} from search_documents order by id", str)
    return list(await market.parts.database.rows(statement))


@pytest.mark.parametrize("field", COPIED)
async def test_each_copied_field_follows_its_source(
    market: Market, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In pages, so that a farm of ten thousand products is renewed in as small steps as one of ten."""
    settings = attrs.evolve(market.parts.settings, market_languages=("en", "fr"))
    market = make_market(attrs.evolve(market.parts, settings=settings))
    admin, farmer = await market.person("admin"), await market.farmer()
    category = (await admin.post("/api/categories", {"name": "Roots", "slug": "roots"})).json()["id"]
    place = {"location": {"latitude": 48.0, "longitude": 11.0, "address": ""}}
    await farmer.request("PATCH", f"/api/farms/{farmer.farm_id}", place, If_Match="*")
    for n in range(5):
        await market.product(farmer, title=f"Carrots {n}", category_id=category)
    await market.work()
    monkeypatch.setattr(search_renewals.take, "__defaults__", (2,))
    before = await copies(market, field)
    source, changed = COPIED[field]
    who, path = (farmer, f"/api/farms/{farmer.farm_id}") if source == "farm" else (admin, f"/api/categories/{category}")
    if changed == "state":
        answer = await admin.post(f"{path}/verification", CHANGES[source, changed])
    else:
        answer = await who.request("PATCH", path, CHANGES[source, changed], If_Match="*")
    assert answer.status == 200, answer.text
    await market.work()
    after = await copies(market, field)
    assert len(after) == 5 and not set(before) & set(after)
    assert market.broken(at_rest=True) == []


async def test_keys_that_documents_lack_are_added_without_a_word_to_anybody(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    farmer = await market.farmer()
    for n in range(5):
        await market.product(farmer, title=f"Carrots {n}", tags=["organic"])
    await market.work()
    before, version = await copies(market, "lexemes"), await copies(market, "version")
    for statement in (STRIPPED, KEYLESS):
        await market.parts.database.rows(statement)
    assert not set(before) & set(await copies(market, "lexemes"))
    monkeypatch.setattr(search_renewals.take, "__defaults__", (2,))
    await market.work()
    assert await copies(market, "lexemes") == before
    assert await copies(market, "version") == version
    assert market.broken(at_rest=True) == []

"""Texts in the market's other languages are found on PostgreSQL by the analysis of their language, and by its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_twisted

from harvestd.interfaces import Search
from harvestd.market.search import translated_titles
from harvestd.market.search.postgres.engine import PostgresSearch
from harvestd.store.postgres.database import Database
from tests.contracts.search import NOON, product
from tests.market.search.translated import TEXTS, Translated


@pytest_twisted.async_yield_fixture
async def search(database: Database) -> AsyncIterator[PostgresSearch]:
    search = PostgresSearch(database, "english", lambda: NOON, None, {"fr": "french", "de": "german"})
    await search.index(TEXTS)
    yield search


class TestPostgresTranslations(Translated):
    pass


@pytest.mark.parametrize("language", ["fr", "de", "es"])
async def test_titles_are_suggested_in_their_language_alone(
    search: PostgresSearch, database: Database, language: str
) -> None:
    found = await translated_titles.begin(database, language, "chev", 10)
    assert found == [], "what is no product of the market's any more is not"


async def test_an_older_version_changes_no_title(search: PostgresSearch, database: Database) -> None:
    await search.index([product(1, "Horses", version=3, texts={"fr": ("Poneys", "")})])
    await search.index([product(1, "Horses", version=2, texts={"fr": ("Ânes", "")})])
    assert [hit.id for hit in (await search.search(Search(text="poneys"))).hits] == [TEXTS[0].id]
    assert (await search.search(Search(text="ânes"))).hits == ()

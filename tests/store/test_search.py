"""Search on PostgreSQL: the contract, and what is this implementation's own."""

from __future__ import annotations

import pytest
from zope.interface.verify import verifyObject

from harvestd.interfaces import ISearch
from harvestd.store.database import Database
from harvestd.store.search import PostgresSearch
from tests.contracts.search import NOON, SearchContract


@pytest.fixture
def search(database: Database) -> PostgresSearch:
    return PostgresSearch(database, "english", lambda: NOON)


class TestPostgresSearchContract(SearchContract):
    pass


def test_it_is_an_ISearch(search: PostgresSearch) -> None:
    assert verifyObject(ISearch, search)

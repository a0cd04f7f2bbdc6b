"""What PostgreSQL's errors mean to a caller."""

from __future__ import annotations

from typing import Any

import psycopg2
import pytest

from harvestd.kernel.errors import Unavailable
from harvestd.store.postgres.faults import FAULTS, ConnectionLost, TimedOut, fault_of, first_line


def error(code: str | None, kind: type[psycopg2.Error] = psycopg2.DatabaseError, text: str = "why\nmore") -> Any:
    """An error as PostgreSQL's answer makes one."""

    class Coded(kind):  # type: ignore[misc, valid-type]
        pgcode = code

    return Coded(text)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("08006", ConnectionLost), ("57P01", ConnectionLost), ("57P05", ConnectionLost), ("25P03", ConnectionLost), ("25006", ConnectionLost),
        ("26000", ConnectionLost), ("57014", TimedOut), ("55P03", TimedOut), ("53100", Unavailable), ("58030", Unavailable),
        ("23505", None), ("25P02", None), ("57000", None), ("42601", None),
    ],
)  # fmt: skip
def test_a_code_or_its_class_says_what_it_is(code: str, kind: type[Unavailable] | None) -> None:
    fault = fault_of(error(code), closed=False)
    assert type(fault) is (kind or type(None))


def test_every_row_of_the_table_is_found_by_its_code() -> None:
    for code, kind in FAULTS.items():
        assert type(fault_of(error(code.ljust(5, "0")), closed=False)) is kind


def test_a_plan_of_before_a_migration_costs_the_connection() -> None:
    changed = error("0A000", psycopg2.NotSupportedError, "cached plan must not change result type")
    assert type(fault_of(changed, closed=False)) is ConnectionLost
    assert fault_of(error("0A000", psycopg2.NotSupportedError, "not implemented"), closed=False) is None


def test_without_a_code_it_is_the_connection_that_failed() -> None:
    for kind in (psycopg2.OperationalError, psycopg2.InterfaceError):
        assert type(fault_of(error(None, kind), closed=False)) is ConnectionLost
    assert type(fault_of(psycopg2.DatabaseError("why"), closed=False)) is ConnectionLost
    assert fault_of(psycopg2.ProgrammingError("no results to fetch"), closed=False) is None
    assert type(fault_of(psycopg2.ProgrammingError("no results to fetch"), closed=True)) is ConnectionLost


def test_of_what_it_says_the_first_line_is_told() -> None:
    assert str(fault_of(error("53100"), closed=False)) == "PostgreSQL: why"
    assert (first_line(ValueError(" a\nb")), first_line(ValueError())) == ("a", "ValueError")

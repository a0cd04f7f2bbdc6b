"""SQL statements with named parameters, and what runs those that read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

import attrs

from harvestd.store.postgres.connection import Call

Row = TypeVar("Row")

#: A valid statement name: within PostgreSQL's limit (longer names are truncated, and might collide), without characters special in quoting.
NAME = re.compile(r"""[^"%\0]{1,63}""")

#: How many transactions had ended when a statement began: of two counts, the higher one's statement saw all that the
#: lower one's saw, in any process. A replica cannot tell.
ENDED = """(select case when not pg_is_in_recovery() then
    pg_snapshot_xmax(now)::text::bigint - (select count(*) from pg_snapshot_xip(now)) end from pg_current_snapshot() as now)"""
#: Where a keyset begins without a cursor: ``id < coalesce(:after, LAST_ID)`` is an index range in every plan, which
#: ``:after is null or id < :after`` is not in a generic plan.
FIRST_ID, LAST_ID = "'00000000-0000-0000-0000-000000000000'::uuid", "'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid"

#: A parameter, not a cast (``::text``) or part of a word.
_PARAMETER = re.compile(r"(?<![:\w]):([a-z][a-z0-9_]*)")
_NUMBERED = re.compile(r"\$\d")


@attrs.frozen(eq=False)
class Statement(Generic[Row]):
    """One SQL statement with named parameters (``:farm_id``) and the type that its rows become.

    No literal in it may have a colon before a small letter: that would be a parameter. ``name`` is unique in the
    program: each connection prepares the statement under it at first use. ``sql`` is compiled to PostgreSQL's ``$n``
    once; ``names`` are its parameters in that order, and a caller gives a value for each and no other. ``into`` is
    called with a row's columns in order. Values: str, int, Decimal, bool, datetime, bytes, None; lists become arrays
    and dicts JSON of the parameter's type. ``heavy`` ones, for searches, have a share of the connections and a timeout
    of their own.
    """

    name: str
    sql: str
    into: Callable[..., Row]
    heavy: bool = False
    names: tuple[str, ...] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        if not NAME.fullmatch(self.name) or len(self.name.encode()) > 63:
            raise ValueError(f"statement {self.name!r}: a name has 1 to 63 bytes, and neither quotes nor percent signs")
        if _NUMBERED.search(self.sql):
            raise ValueError(f"statement {self.name!r}: parameters have names, such as :farm_id, and no numbers")
        numbers = {name: n for n, name in enumerate(dict.fromkeys(_PARAMETER.findall(self.sql)), 1)}
        object.__setattr__(self, "names", tuple(numbers))
        object.__setattr__(self, "sql", _PARAMETER.sub(lambda found: f"${numbers[found[1]]}", self.sql))

    def call(self, values: Mapping[str, Any]) -> Call:
        """The statement bound to these values. Raises ``TypeError`` for a missing or unknown one."""
        names = self.names
        try:
            parameters = tuple([values[name] for name in names])
        except KeyError as error:
            raise TypeError(f"statement {self.name!r} has a parameter {error.args[0]}, and no value for it") from None
        if len(values) != len(names):
            strange = ", ".join(sorted(values.keys() - set(names)))
            raise TypeError(f"statement {self.name!r} has no parameter {strange}")
        return self.name, self.sql, parameters


def nothing(*columns: Any) -> None:
    """``into`` for statements whose rows are not read."""


def scalar(column: Any) -> Any:
    """``into`` for statements of one column."""
    return column


class Reader(Protocol):
    """Anything that can run a reading statement: the database, a replica, or a transaction."""

    async def rows(self, statement: Statement[Row], /, **values: Any) -> list[Row]:
        """All rows."""

    async def row(self, statement: Statement[Row], /, **values: Any) -> Row | None:
        """The first row, or None."""


def all_of(statement: Statement[Row], cursor: Any) -> list[Row]:
    """The rows that a cursor holds, as the statement's type."""
    return [statement.into(*row) for row in cursor.fetchall()] if cursor.description else []


def first_of(statement: Statement[Row], cursor: Any) -> Row | None:
    """The first of them, or None."""
    found = cursor.fetchone() if cursor.description else None
    return None if found is None else statement.into(*found)

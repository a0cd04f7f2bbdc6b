"""What a program asks of PostgreSQL, by the server's own log: how many statements, in how many round trips, and which."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from servers import PostgresServer

# As the tests' servers write it: time, process, database, severity, text; what follows an entry is indented by a tab.
_ENTRY = re.compile(r"^\S+ \S+ \S+ \[(\d+)\] (\S+) LOG:  (?:statement|execute [^:]*): (.*(?:\n\t.*)*)", re.MULTILINE)
#: A statement of a string: what is quoted or in brackets may have semicolons.
_PIECE = re.compile(
    r"""(?:[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | [^;'"] | ['"])+""", re.VERBOSE | re.DOTALL
)


@attrs.frozen
class Trip:
    """What a connection (``process``, the server's for it) sent at once."""

    process: int
    text: str

    @property
    def statements(self) -> list[str]:
        """Each of them."""
        return [piece.strip() for piece in _PIECE.findall(self.text) if piece.strip()]


class Heard:
    """The trips of one database since the log was turned on."""

    def __init__(self, server: PostgresServer, database: str) -> None:
        self._server, self._database = server, database
        self._from = _log(server).stat().st_size

    @property
    def trips(self) -> list[Trip]:
        """All so far, in their order."""
        with open(_log(self._server), "rb") as log:
            log.seek(self._from)
            text = log.read().decode(errors="replace")
        return [
            Trip(int(process), told.replace("\n\t", "\n"))
            for process, database, told in _ENTRY.findall(text)
            if database == self._database
        ]

    def transaction(self, has: Callable[[str], bool]) -> list[Trip]:
        """The trips of the first transaction, from BEGIN to COMMIT, with a text that ``has`` knows. LookupError without one."""
        for trips in _transactions(self.trips):
            if any(has(trip.text) for trip in trips):
                return trips
        raise LookupError("there is no such transaction in the server's log")


@contextmanager
def heard(server: PostgresServer, database: str) -> Iterator[Heard]:
    """Have the server log each statement of sessions that begin in the context."""
    server.query("postgres", f"alter database {database} set log_statement = 'all'")
    try:
        yield Heard(server, database)
    finally:
        server.query("postgres", f"alter database {database} reset log_statement")


def _transactions(trips: list[Trip]) -> Iterator[list[Trip]]:
    open_: dict[int, list[Trip]] = {}
    for trip in trips:
        words = [statement.split(None, 1)[0].upper() for statement in trip.statements]
        if any(word in ("BEGIN", "START") for word in words):
            open_[trip.process] = []
        if trip.process not in open_:
            yield [trip]  # one statement is a transaction of its own
            continue
        open_[trip.process].append(trip)
        if any(word in ("COMMIT", "END", "ROLLBACK") for word in words):
            yield open_.pop(trip.process)


def _log(server: PostgresServer) -> Path:
    return server.folder / "log"

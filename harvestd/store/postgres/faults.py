"""What PostgreSQL's errors mean to a caller: by SQLSTATE, or by what psycopg2 raised."""

from __future__ import annotations

import psycopg2

from harvestd.kernel.errors import Unavailable


class ConnectionLost(Unavailable):
    """The connection to PostgreSQL went away; what was not committed is rolled back by the server."""


class TimedOut(Unavailable):
    """PostgreSQL did not finish a statement, or grant a lock, in the time that the settings allow."""


#: SQLSTATEs (or their first two characters, a class) and what they mean to a caller; others are raised as they are.
#: https://www.postgresql.org/docs/current/errcodes-appendix.html
FAULTS: dict[str, type[Unavailable]] = {
    "08": ConnectionLost,  # connection exceptions
    "57P": ConnectionLost,  # shutdown, crash, startup, database dropped, idle-session timeout
    "25P03": ConnectionLost,  # idle-in-transaction timeout
    "25006": ConnectionLost,  # read-only: the primary was demoted to a replica
    "26000": ConnectionLost,  # the prepared statement is gone (somebody ran DISCARD ALL)
    "57014": TimedOut,  # statement_timeout
    "55P03": TimedOut,  # lock_timeout
    "53": Unavailable,  # disk full, out of memory, too many connections
    "58": Unavailable,  # system errors of the server, such as I/O
}


def fault_of(error: psycopg2.Error, closed: bool) -> Unavailable | None:
    """What it means on a connection that is ``closed`` by now, or is not; None for what is raised as it is."""
    code = error.pgcode or ""
    kind = FAULTS.get(code) or FAULTS.get(code[:3]) or FAULTS.get(code[:2])
    if code == "0A000" and "cached plan" in str(error):
        kind = ConnectionLost  # a migration changed the table: prepare again, on another connection
    if kind is None and (closed or (not code and _of_the_connection(error))):
        kind = ConnectionLost
    if kind is TimedOut:
        return TimedOut("PostgreSQL took too long")
    return None if kind is None else kind(f"PostgreSQL: {first_line(error)}")


def _of_the_connection(error: psycopg2.Error) -> bool:
    return (
        isinstance(error, (psycopg2.OperationalError, psycopg2.InterfaceError)) or type(error) is psycopg2.DatabaseError
    )


def first_line(error: BaseException) -> str:
    """The first line of an error's text, which for PostgreSQL's errors is the message."""
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__

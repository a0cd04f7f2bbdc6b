"""The access log: a line for each request, gathered and handed to the log many at a time.

One event of Twisted's logger costs more than all the rest of an answer from the cache. So requests are noted as values,
and a batch of them is one event (``requests``), of which the log makes as many lines; whatever else is logged does not wait.
"""

from __future__ import annotations

import time
from typing import Any

import msgspec
from twisted.logger import Logger

#: Requests are handed on when there are this many, and whenever :meth:`AccessLog.flush` is called.
BATCH = 100
log = Logger(namespace="harvestd.web.http.access_log")


#: Characters of what a client wrote that are noted: a line is no place to store things in.
SHOWN = 300


def bounded(text: str) -> str:
    """``text``, cut where it is long, with how long it was."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text)} characters)"


class Access(msgspec.Struct, frozen=True):
    """One request that is over: ``ms`` it took, ``bytes`` of body it was answered with, ``problem`` is its slug or ""."""

    method: str
    path: str
    route: str
    status: int
    bytes: int
    ms: float
    request_id: str
    user_id: str
    address: str
    problem: str = ""
    detail: str = ""
    at: float = msgspec.field(default_factory=time.time)

    def message(self) -> str:
        """For people."""
        if self.method:
            who = f" user {self.user_id}" if self.user_id else ""
            return (
                f"{self.method} {bounded(self.path)} {self.status} {self.bytes} B {self.ms} ms from {self.address}{who}"
            )
        return f"{self.status} {self.problem}: {bounded(self.detail)} from {self.address}"

    def fields(self) -> dict[str, Any]:
        """For machines, beside the message; what a refused connection never said is left out."""
        found = {name: getattr(self, name) for name in _FIELDS} | {"path": bounded(self.path)}
        return found if self.method else {name: found[name] for name in _REFUSED}


_REFUSED = ("status", "problem", "request_id", "address")
_FIELDS = tuple(name for name in Access.__struct_fields__ if name not in ("at", "detail"))


class AccessLog:
    """Gathers; whoever has one flushes it now and then, and at the end."""

    def __init__(self) -> None:
        self._noted: list[Access] = []

    def note(self, access: Access) -> None:
        """One more."""
        self._noted.append(access)
        if len(self._noted) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Hand on what was gathered."""
        if self._noted:
            noted, self._noted = self._noted, []
            log.info("{log_text}", log_text=f"{len(noted)} requests", requests=noted)

"""The access log: one line per request, logged in batches.

One event of Twisted's logger costs more than all other work of a cache hit. So requests are recorded as values, and a batch of
them is one event (``requests``), which the log expands into lines; other log events are not delayed.
"""

from __future__ import annotations

import time
from typing import Any

import msgspec
from twisted.logger import Logger

#: Requests per batch; :meth:`AccessLog.flush` also writes a smaller one.
BATCH = 100
log = Logger(namespace="harvestd.web.http.access_log")


#: Maximum characters of client-supplied text in a line: clients must not be able to fill the log.
SHOWN = 300


def bounded(text: str) -> str:
    """``text``, truncated if long, with its full length."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text)} characters)"


class Access(msgspec.Struct, frozen=True):
    """One finished request: its duration in ``ms``, the ``bytes`` of the response body, and the slug of its ``problem`` or ""."""

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
        """The human-readable line."""
        if self.method:
            who = f" user {self.user_id}" if self.user_id else ""
            return (
                f"{self.method} {bounded(self.path)} {self.status} {self.bytes} B {self.ms} ms from {self.address}{who}"
            )
        return f"{self.status} {self.problem}: {bounded(self.detail)} from {self.address}"

    def fields(self) -> dict[str, Any]:
        """The structured fields beside the message; a connection refused before its request has only those it knows."""
        found = {name: getattr(self, name) for name in _FIELDS} | {"path": bounded(self.path)}
        return found if self.method else {name: found[name] for name in _REFUSED}


_REFUSED = ("status", "problem", "request_id", "address")
_FIELDS = tuple(name for name in Access.__struct_fields__ if name not in ("at", "detail"))


class AccessLog:
    """Batches requests; its owner flushes it periodically and at shutdown."""

    def __init__(self) -> None:
        self._noted: list[Access] = []

    def note(self, access: Access) -> None:
        """Add a request; flushes a full batch."""
        self._noted.append(access)
        if len(self._noted) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Log the current batch."""
        if self._noted:
            noted, self._noted = self._noted, []
            log.info("{log_text}", log_text=f"{len(noted)} requests", requests=noted)

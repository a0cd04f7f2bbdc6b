"""Connections that tests have one after another, each to the database that they are lent (``servers/lent.py``): to connect, and to
have each statement planned anew, is most of what PostgreSQL does for a test.

The next test has them as if they were new, but for what the program itself has prepared.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

import attrs

from harvestd.runtime.backoff import Backoff
from harvestd.store.postgres.connection import Connection
from harvestd.store.postgres.pool import FIRST_DELAY, LAST_DELAY, Pool
from harvestd.store.postgres.statements import Statement

#: What the reactor reads from between two tests, and that none of them has left behind.
READ: set[Any] = set()
#: What a session may have been told.
_AS_NEW = "reset all; unlisten *; select pg_advisory_unlock_all()"


class AsNeeded(Pool):
    """Opens its connections when they are first wanted: most tests want one or two, and a process of PostgreSQL for each of the others
    would be the most that is done for many of them."""

    _kept = 0

    def start(self) -> None:
        """Open none yet."""

    async def take(self) -> Connection:
        """The same; opens one if none is idle."""
        if not self._idle and self._kept < self.size:
            self._kept += 1
            self._keep(Backoff(FIRST_DELAY, LAST_DELAY))
        return await super().take()

    def adopt(self, links: list[KeptConnection]) -> None:
        """Begin with these."""
        for one in links:
            if not one.link.closed:
                one.link._lost = self._lost
                self._open.add(one.link)
                self._idle.append(one.link)
                self._kept += 1

    async def let_go(self) -> list[KeptConnection]:
        """Those that are well and idle, which are no longer its own."""
        found = []
        for link in [link for link in self._idle if link.idle]:
            self._idle.remove(link)
            self._open.discard(link)
            link._lost = _gone
            ours = [name for name, sql in link._prepared.items() if program().get(name) != sql]
            await link.execute("; ".join([_AS_NEW, *(f'deallocate "{name}"' for name in ours)]))
            for name in ours:
                del link._prepared[name]
            if link._timer is not None:
                link._timer.cancel()
                link._timer = None
            READ.add(link._wire)
            found.append(KeptConnection(link, link._wire.raw.get_backend_pid()))
        return found


@attrs.frozen
class KeptConnection:
    """One that is open, and the pid of its process of PostgreSQL."""

    link: Connection
    pid: int

    def close(self) -> None:
        """Its database is dropped."""
        READ.discard(self.link._wire)
        self.link.close()


def _gone(link: Connection) -> None:
    """It was closed between two tests."""
    READ.discard(link._wire)


@functools.cache
def program() -> dict[str, str]:
    """The statements of the program, by name: a test's own may have another's name."""
    modules = [module for name, module in list(sys.modules.items()) if name.startswith("harvestd.")]
    found: list[Any] = [one for module in modules for one in vars(module).values() if isinstance(one, Statement)]
    return {one.name: one.sql for one in found}

"""What a command of harvestctl is, and what it is given."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from harvestd import application
from harvestd.application import CTL
from harvestd.config import Loaded
from harvestd.lifecycle import Lifecycle
from harvestd.parts import Parts

#: Exit codes: all is well; something was found, or failed. A wrong command line is argparse's 2.
FINE, FOUND = 0, 1


class Failed(Exception):
    """The command cannot do its work; the text says why, and the cure."""


class Interrupted(Exception):
    """The person who started it has had enough."""


@attrs.define(eq=False)
class Errand:
    """One run of a command. ``out`` is for its result, ``err`` for what went wrong and for progress."""

    arguments: Namespace
    loaded: Loaded
    out: Console
    err: Console
    reactor: Any = None
    interrupted: bool = False
    _lifecycle: Lifecycle | None = None

    async def database(self) -> str:
        """The URL of the market's database, which is started for the duration if nobody runs it. Its schema may be any."""
        settings, _ = await application.database(self._open(), self.loaded.settings, CTL)
        return settings.database_url

    async def parts(self) -> Parts:
        """The market's parts, on a database with the schema of this version."""
        return await application.start(self._open(), self.loaded.settings, CTL)

    def _open(self) -> Lifecycle:
        self._lifecycle = Lifecycle(self.reactor, self.loaded.settings.stop_deadline)
        return self._lifecycle

    async def close(self) -> None:
        """Stop what was started."""
        lifecycle, self._lifecycle = self._lifecycle, None
        if lifecycle is not None:
            await lifecycle.stop()

    def go_on(self) -> None:
        """To be called now and then by work in a thread; raises :class:`Interrupted`."""
        if self.interrupted:
            raise Interrupted


@attrs.frozen
class Command:
    """One row of the table: ``run`` answers the exit code."""

    name: str
    summary: str
    explanation: str
    arguments: Callable[[ArgumentParser], Any]
    run: Callable[[Errand], Awaitable[int]]


def progress_bar(console: Console) -> Progress:
    """A bar with what is done of how much, on a terminal; nothing elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)

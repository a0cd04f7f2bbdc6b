"""The definition of a harvestctl command, and the context it runs in."""

from __future__ import annotations

import signal
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import attrs
from rich.console import Console

from harvestd.kernel import readers
from harvestd.kernel.errors import Invalid
from harvestd.runtime.lifecycle import Lifecycle
from harvestd.settings.loading import Loaded
from harvestd.store.embedded.running import kept

if TYPE_CHECKING:
    from rich.progress import Progress

    from harvestd.parts import Parts

#: Exit codes: all is well; something was found, or failed; the command line is wrong, as in argparse.
FINE, FOUND, MISUSED = 0, 1, 2


class Failed(Exception):
    """The command cannot do its work; the text says why, and the cure."""


class Misused(Failed):
    """The command line is invalid, whatever the market contains; the text says what would be valid."""


def whole(text: str) -> int:
    """Parse a whole number, as an argparse ``type``."""
    try:
        return readers.integer("", text)
    except Invalid as invalid:
        raise ArgumentTypeError(f"{text!r}: {invalid.errors[0].message}") from None


class Interrupted(Exception):
    """The user pressed Ctrl-C."""


@attrs.define(eq=False)
class CommandContext:
    """One run of a command. ``out`` is for its result, ``err`` for errors and progress."""

    arguments: Namespace
    loaded: Loaded
    out: Console
    err: Console
    reactor: Any = None
    interrupted: bool = False
    _lifecycle: Lifecycle | None = None

    async def database(self, making: bool = False) -> str:
        """The URL of the market's database, which is started for this run if it is not running. Its schema may be of any version.
        If there is none, it is created if ``making``; otherwise ``Failed``: a wrong folder is to be reported, not filled."""
        self._see_to_a_market(making)
        from harvestd import application  # loads the whole market: a command that only reads its settings does without

        settings, _ = await application.database(self._open(), self.loaded.settings, application.CTL)
        return settings.database_url

    async def parts(self, making: bool = False) -> Parts:
        """The market's parts, on a database with the schema of this version; ``making`` as above."""
        self._see_to_a_market(making)
        from harvestd import application

        return await application.start(self._open(), self.loaded.settings, application.CTL)

    def _see_to_a_market(self, making: bool) -> None:
        settings = self.loaded.settings
        if settings.database_url or kept(settings.data_dir):
            return
        if not making:
            raise Failed(
                f"there is no market in {settings.data_dir}: name its folder with --data-dir, or its PostgreSQL with "
                "--database-url; a new market is made by migrate, demo, seed, create-admin or import-directory"
            )
        self.err.print(
            f"harvestctl {self.arguments.command_name}: there is no market in {settings.data_dir} yet: making one",
            markup=False,
        )

    def _open(self) -> Lifecycle:
        self._lifecycle = Lifecycle(self.reactor, self.loaded.settings.stop_deadline)
        return self._lifecycle

    async def close(self) -> None:
        """Stop everything that was started."""
        lifecycle, self._lifecycle = self._lifecycle, None
        if lifecycle is not None:
            await lifecycle.stop()

    def go_on(self) -> None:
        """Called regularly by work in a thread; raises :class:`Interrupted`."""
        if self.interrupted:
            raise Interrupted


@attrs.frozen
class Command:
    """A command in the table of ``program.py``: ``run`` returns the exit code."""

    explanation: str
    arguments: Callable[[ArgumentParser], Any]
    run: Callable[[CommandContext], Awaitable[int]]


@contextmanager
def asking() -> Iterator[None]:
    """While prompting the user or reading a terminal: Ctrl-C interrupts that, and is raised as :class:`Interrupted`; the
    reactor's own handler would wait for the input."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted from None
    finally:
        signal.signal(signal.SIGINT, before)


def progress_bar(console: Console) -> Progress:
    """A progress bar, on a terminal; nothing elsewhere."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)

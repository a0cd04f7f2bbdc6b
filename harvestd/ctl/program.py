"""harvestctl: reads its command line and its settings, and has the command run."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection, Sequence

from rich.console import Console

from harvestd.ctl.command import FOUND, MISUSED, CommandContext
from harvestd.ctl.command_line import check_order, parser, unknown_arguments
from harvestd.ctl.executing import complain, execute
from harvestd.kernel import readers
from harvestd.process import logs
from harvestd.settings.faults import SettingError
from harvestd.settings.loading import load, secrets


class Paper(Console):
    """A console that raises ``BrokenPipeError`` once its reader has gone; rich's own exits the program in mid-work."""

    def on_broken_pipe(self) -> None:
        """Called by rich while it handles the error, which is re-raised."""
        raise


def run(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code. Raises ``BrokenPipeError`` if the reader of the output has gone."""
    words = sys.argv[1:] if argv is None else argv
    check_order(words)
    arguments, unknown = parser(next(iter(words), "")).parse_known_args(words)
    if unknown:
        arguments.parser.error(unknown_arguments(unknown))
    out, err = Paper(highlight=False, soft_wrap=True), Paper(stderr=True, highlight=False, soft_wrap=True)
    if (odd := _not_utf8(arguments)) is not None:
        complain(
            err,
            arguments.command_name,
            f"{odd} is not UTF-8 text; write it in a terminal of UTF-8, or without such letters",
        )
        return MISUSED
    options = {name: getattr(arguments, name) for name in ("config", "data_dir", "database_url")}
    try:
        given = {name: value for name, value in options.items() if value is not None}
        loaded = load(given, os.environ, queues=_queues)
    except SettingError as error:
        complain(err, arguments.command_name, str(error))
        return MISUSED if error.on_the_command_line else FOUND
    level = "debug" if arguments.verbose else "error"
    logs.begin(logs.LineObserver(sys.stderr, loaded.settings.log_format, level, secrets(loaded.settings)))
    return execute(CommandContext(arguments, loaded, out, err))


def _not_utf8(arguments: argparse.Namespace) -> str | None:
    """The first value that is not UTF-8 and so usable by no command, in printable form; file names may be any bytes."""
    values = (value for value in vars(arguments).values() if isinstance(value, str))
    return next((ascii(value) for value in values if not readers.is_utf8(value)), None)


def _queues() -> Collection[str]:
    from harvestd.tables import TOPOLOGY

    return TOPOLOGY.queues

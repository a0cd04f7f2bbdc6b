"""The table of harvestctl's commands, each in a module of its name, and the function that runs one."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
import textwrap
from collections.abc import Collection, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

from rich.console import Console
from twisted.internet.defer import Deferred

import harvestd
from harvestd.ctl import INTERRUPTED
from harvestd.ctl.command import FOUND, MISUSED, Command, CommandContext, Failed, Interrupted, Misused
from harvestd.kernel import readers
from harvestd.process import logs
from harvestd.settings.faults import SettingError
from harvestd.settings.loading import load, secrets
from harvestd.settings.rows import ROWS
from harvestd.unread import NOBODY_READS

#: Each command, and its summary. The command is ``COMMAND`` of the module of its name, which is imported only when it is asked for.
COMMANDS: dict[str, str] = {
    "migrate": "bring the database's schema to this version",
    "demo": "fill an empty market with demo farms, products and four accounts",
    "import-directory": "import farms and catalogues from the USDA's farmers market directory",
    "seed": "fill a market with a synthetic catalogue of any size, for trials and measurements",
    "create-admin": "create an admin account",
    "reindex": "rebuild the search index",
    "replay": "list dead letters, put them back into their queue, or delete them",
    "check": "check that the books agree: stock, reservations, orders, events",
    "blobs": "check that the folder of pictures and documents agrees with their rows",
    "doctor": "test everything that the market depends on, and say what to do",
    "settings": "print the settings in effect, and where each came from",
}

CODES = "exit codes: 0 all is well; 1 something was found, or failed; 2 the command line is wrong"
EPILOG = f"""\
Settings are those of the daemon: harvest.toml, then HARVEST_… in the environment, then options. With the embedded
database a command uses the running daemon's server, or starts one for as long as it runs.

{CODES}
"""
#: The maximum width of a help text, however wide the terminal is.
WIDEST = 100


class Help(argparse.HelpFormatter):
    """A help formatter that wraps texts paragraph by paragraph, ignoring line breaks in the source."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=24, width=min(WIDEST, shutil.get_terminal_size().columns - 2))

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n\n".join(
            textwrap.fill(paragraph, width, initial_indent=indent, subsequent_indent=indent)
            for paragraph in text.strip().split("\n\n")
        )


class Paper(Console):
    """A console that raises ``BrokenPipeError`` once its reader has gone; rich's own exits the program in mid-work."""

    def on_broken_pipe(self) -> None:
        """Called by rich while it handles the error, which is re-raised."""
        raise


def run(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code. Raises ``BrokenPipeError`` if the reader of the output has gone."""
    words = sys.argv[1:] if argv is None else argv
    _check_order(words)
    arguments, unknown = parser(next(iter(words), "")).parse_known_args(words)
    if unknown:
        arguments.parser.error(_unknown(unknown))
    out, err = Paper(highlight=False, soft_wrap=True), Paper(stderr=True, highlight=False, soft_wrap=True)
    if (odd := _not_utf8(arguments)) is not None:
        _complain(
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
        _complain(err, arguments.command_name, str(error))
        return MISUSED if error.on_the_command_line else FOUND
    level = "debug" if arguments.verbose else "error"
    logs.begin(logs.LineObserver(sys.stderr, loaded.settings.log_format, level, secrets(loaded.settings)))
    return _run(CommandContext(arguments, loaded, out, err))


def _check_order(words: Sequence[str]) -> None:
    """Exit with the cure if an option stands before the command, whose option it is."""
    first = next(iter(words), "")
    if not first.startswith("-") or first in ("-h", "--help", "--version"):
        return
    command = next((word for word in words if word in COMMANDS), None)
    rest = [word for word in words if word != command]
    right = shlex.join(["harvestctl", command or "COMMAND", *rest])
    parser("").error(f"{first.partition('=')[0]} is an option of a command, which comes first: {right}")


def _not_utf8(arguments: argparse.Namespace) -> str | None:
    """The first value that is not UTF-8 and so usable by no command, in printable form; file names may be any bytes."""
    values = (value for value in vars(arguments).values() if isinstance(value, str))
    return next((ascii(value) for value in values if not readers.is_utf8(value)), None)


def _queues() -> Collection[str]:
    from harvestd.tables import TOPOLOGY

    return TOPOLOGY.queues


def parser(asked: str) -> argparse.ArgumentParser:
    """The command line, from the table; with all options of the command that is ``asked`` for."""
    top = argparse.ArgumentParser(
        "harvestctl",
        description="Administers a market that harvestd runs.",
        epilog=EPILOG,
        formatter_class=Help,
    )
    top.add_argument("--version", action="version", version=f"harvestd {harvestd.__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        one = commands.add_parser(name, help=summary, epilog=CODES, formatter_class=Help)
        if name != asked:
            continue
        command = command_of(name)
        one.description = command.explanation
        one.set_defaults(command_name=name, command=command, parser=one)
        command.arguments(one)
        shared = one.add_argument_group("settings (all others: harvest.toml and HARVEST_… in the environment)")
        shared.add_argument("--config", metavar="FILE", help="TOML file to read [./harvest.toml, if present]")
        shared.add_argument("--data-dir", metavar="FOLDER", help="data folder of the market [./data]")
        shared.add_argument("--database-url", metavar="URL", help="PostgreSQL of the market [embedded]")
        shared.add_argument("--verbose", action="store_true", help="log to standard error")
    return top


def command_of(name: str) -> Command:
    """The command of that name."""
    found: Command = import_module(f"harvestd.ctl.{name.replace('-', '_')}").COMMAND
    return found


def _unknown(words: Sequence[str]) -> str:
    """The error for arguments that no command takes; for the name of a setting, where it can be given."""
    settings = {row.option: row for row in ROWS.values()}
    named = [settings[option] for word in words if (option := word.partition("=")[0]) in settings]
    cures = (f"{row.option} is a setting: give it as {row.variable} in the environment, or as {row.name} in harvest.toml" for row in named)  # fmt: skip
    return "\n".join((f"unrecognized arguments: {' '.join(words)}", *cures))


def _run(errand: CommandContext) -> int:
    from twisted.internet import reactor

    errand.reactor = reactor
    codes: list[int] = []
    finished: Deferred[None] = Deferred()

    async def whole() -> int:
        try:
            command: Command = errand.arguments.command
            return await command.run(errand)
        finally:
            await errand.close()

    def ended(result: Any) -> None:
        try:
            codes.append(result if isinstance(result, int) else _failed(errand, result))
        except BrokenPipeError:
            codes.append(NOBODY_READS)
        finished.callback(None)
        if not errand.interrupted:
            errand.reactor.stop()

    def interrupt() -> Deferred[None] | None:
        """Before the reactor stops: if we did not stop it, interrupt the command and wait for it."""
        if codes:
            return None
        errand.interrupted = True
        with suppress(BrokenPipeError):
            errand.err.print(f"harvestctl {errand.arguments.command_name}: stopping", markup=False)
        return finished

    errand.reactor.addSystemEventTrigger("before", "shutdown", interrupt)
    errand.reactor.callWhenRunning(lambda: Deferred.fromCoroutine(whole()).addBoth(ended))
    errand.reactor.run()
    return codes[0]


def _failed(errand: CommandContext, failure: Any) -> int:
    from harvestd.application import EXPECTED

    name = errand.arguments.command_name
    if failure.check(Interrupted):
        return INTERRUPTED
    if failure.check(BrokenPipeError):
        return NOBODY_READS
    if failure.check(Misused):
        _complain(errand.err, name, failure.getErrorMessage())
        return MISUSED
    if failure.check(Failed, *EXPECTED):
        return _complain(errand.err, name, failure.getErrorMessage())
    errand.err.print(failure.getTraceback(), markup=False)
    return _complain(errand.err, name, f"this is a fault of harvestd: {failure.getErrorMessage()}")


def _complain(err: Console, command: str, why: str) -> int:
    err.print(f"harvestctl {command}: {why}", markup=False)
    return FOUND


__all__ = ["COMMANDS", "command_of", "parser", "run"]

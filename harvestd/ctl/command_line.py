"""The table of harvestctl's commands, each in a module of its name, and the command line that follows from it."""

from __future__ import annotations

import argparse
import shlex
import shutil
import textwrap
from collections.abc import Sequence
from importlib import import_module

import harvestd
from harvestd.ctl.command import Command
from harvestd.settings.rows import ROWS

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


def check_order(words: Sequence[str]) -> None:
    """Exit with the cure if an option stands before the command, whose option it is."""
    first = next(iter(words), "")
    if not first.startswith("-") or first in ("-h", "--help", "--version"):
        return
    command = next((word for word in words if word in COMMANDS), None)
    rest = [word for word in words if word != command]
    right = shlex.join(["harvestctl", command or "COMMAND", *rest])
    parser("").error(f"{first.partition('=')[0]} is an option of a command, which comes first: {right}")


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


def unknown_arguments(words: Sequence[str]) -> str:
    """The error for arguments that no command takes; for the name of a setting, where it can be given."""
    settings = {row.option: row for row in ROWS.values()}
    named = [settings[option] for word in words if (option := word.partition("=")[0]) in settings]
    cures = (f"{row.option} is a setting: give it as {row.variable} in the environment, or as {row.name} in harvest.toml" for row in named)  # fmt: skip
    return "\n".join((f"unrecognized arguments: {' '.join(words)}", *cures))

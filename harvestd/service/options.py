"""The command line of both daemons, generated from the settings table."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Collection, Mapping
from typing import Any, NoReturn, TextIO

from twisted.python import usage

import harvestd
from harvestd.settings.faults import SettingError
from harvestd.settings.loading import Loaded, load
from harvestd.settings.rows import Row, bounds, text
from harvestd.unread import NOBODY_READS, forget


def flags(rows: Mapping[str, Row]) -> list[list[str | None]]:
    """Twisted's ``optFlags`` of settings."""
    return [[row.option[2:], None, row.meaning] for row in rows.values() if row.kind is bool]


def parameters(rows: Mapping[str, Row]) -> list[list[str | None]]:
    """Twisted's ``optParameters`` of settings, and of the configuration file."""
    found = [[row.option[2:], None, None, row.meaning] for row in rows.values() if row.kind is not bool]
    return [["config", None, None, "TOML file to read."], *found]


def _queues() -> Collection[str]:
    from harvestd.tables import TOPOLOGY  # loads the whole market

    return TOPOLOGY.queues


class SettingOptions(usage.Options):
    """The settings in ``rows`` as options; a subclass sets them, with their :func:`flags` and :func:`parameters`. After parsing,
    :attr:`loaded` holds the effective settings.

    A wrong option, or a wrong value of one, exits with status 2, a setting that is wrong elsewhere with 1, each
    with its own message and without pages of usage above it.
    """

    rows: Mapping[str, Row]
    loaded: Loaded

    def parseOptions(self, options: Any = None) -> None:
        try:
            super().parseOptions(options)  # type: ignore[no-untyped-call]
        except usage.UsageError as error:
            _say(f"{self.command}: {error}\n{self.command} --help lists the options.", sys.stderr, 2)
        try:
            self.loaded = load(self.given(), os.environ, queues=_queues)
        except SettingError as error:
            _say(f"{self.command} does not start: {error}", sys.stderr, 2 if error.on_the_command_line else 1)

    def parseArgs(self, *words: str) -> None:
        if words:
            raise usage.UsageError(f"no arguments are expected, only options: {' '.join(words)}")

    @property
    def command(self) -> str:
        """The command that starts the daemon."""
        name = getattr(self.parent, "subCommand", None) if self.parent is not None else None
        return f"twistd {name}" if name else os.path.basename(sys.argv[0])

    def given(self) -> dict[str, str]:
        """The options given on the command line, by the settings' names."""
        found = {name: self._text(row) for name, row in self.rows.items() if self[row.option[2:]] not in (None, 0)}
        if self["config"]:
            found["config"] = self["config"]
        return found

    def _text(self, row: Row) -> str:
        value: str = self[row.option[2:]]
        return str(row.default is not True).lower() if row.kind is bool else value

    def opt_version(self) -> None:
        """Print the version and exit."""
        _say(f"harvestd {harvestd.__version__}", sys.stdout, 0)

    def opt_help(self) -> None:
        """Print the help and exit."""
        _say(str(self), sys.stdout, 0)

    def getSynopsis(self) -> str:
        return f"Usage: {self.command} [options]"

    def getUsage(self, width: int | None = None) -> str:
        width = max(60, width or int(os.environ.get("COLUMNS", "100")))
        wrap = textwrap.TextWrapper(width, initial_indent=" " * 6, subsequent_indent=" " * 6)
        lines = [
            *textwrap.wrap(
                "Without options everything is embedded. Each option is also a key in harvest.toml (http_port) and an environment "
                "variable (HARVEST_HTTP_PORT); the command line takes precedence, the file comes last. Pass secrets as files "
                "(HARVEST_DATABASE_URL_FILE): others see the command line.",
                width,
            ),
            "",
            "  --config=<path>",
            "      TOML file to read [./harvest.toml, if present]",
        ]
        group = ""
        for row in self.rows.values():
            if row.group != group:
                group = row.group
                lines += ["", f"{group}:"]
            lines += [f"  {row.option}{_argument(row)}", *wrap.wrap(f"{row.meaning} {_default(row)}".strip())]
        lines += ["", "  --version, --help", "      Print that, and end."]
        return "\n".join(lines) + "\n"


def _say(words: str, stream: TextIO, code: int) -> NoReturn:
    """Print the words and exit with ``code``, or with ``NOBODY_READS`` if the pipe is closed."""
    try:
        print(words, file=stream, flush=True)
    except BrokenPipeError:
        forget()
        code = NOBODY_READS
    raise SystemExit(code)


def _argument(row: Row) -> str:
    if row.kind is bool:
        return ""
    return f"=<{'|'.join(row.choices) or row.unit.replace(' ', '-') or ('number' if row.kind is float else 'text')}>"


def _default(row: Row) -> str:
    if row.kind is bool:
        return "(this turns it off)" if row.default else ""
    default = text(row.default)
    limits = bounds(row)
    words = [f"[{default}]" if default else "", f"({limits})" if limits else ""]
    return " ".join(w for w in words if w)

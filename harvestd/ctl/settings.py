"""``harvestctl settings``: the effective settings and their origins; and the documentation of all settings."""

from __future__ import annotations

import json
from argparse import ArgumentParser

from harvestd.ctl.command import FINE, Command, CommandContext
from harvestd.settings.loading import masked
from harvestd.settings.rows import ROWS, Row, bounds, text

HEAD = """\
# Settings

This page is generated from the table in `harvestd/settings/table.py` by `harvestctl settings --markdown`.

Every setting is optional. Each can be given in four places; the last one that names it wins:

1. `harvest.toml` in the working directory, or the file that `HARVEST_CONFIG` or `--config` names: `http_port = 8080`
2. for secrets, systemd credentials: a file named after the setting in `$CREDENTIALS_DIRECTORY`
3. the environment: `HARVEST_HTTP_PORT=8080`; for secrets also `HARVEST_DATABASE_URL_FILE=/path/of/a/file`
4. the command line of `twistd harvest-api` and `twistd harvest-worker`: `--http-port=8080`

Lists are comma separated in the environment and on the command line (`a,b`), and lists in TOML (`["a", "b"]`). Times are
in seconds. Sizes are in bytes, or have a unit: `64MiB`, `10MB`. Switches are `true` or `false`; an option without a value
turns a switch on (`--demo`), or off where on is the default (`--no-rate-limits`).

An invalid setting prevents the start. The message lists every invalid one, its value and what would be right. An unknown name in
`harvest.toml`, or an unknown variable that begins with `HARVEST_`, is invalid too. `harvestctl settings` shows the settings in
effect and where each value came from. Secrets (marked 🔒) are never printed or logged.
"""


def _arguments(parser: ArgumentParser) -> None:
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON: name -> value, origin")
    form.add_argument("--markdown", action="store_true", help="print docs/settings.md instead")


async def _run(errand: CommandContext) -> int:
    if errand.arguments.markdown:
        errand.out.out(markdown(), end="", highlight=False)
        return FINE
    values, origin = masked(errand.loaded.settings), errand.loaded.origin
    if errand.arguments.json:
        errand.out.out(json.dumps({n: {"value": v, "origin": origin[n]} for n, v in values.items()}, indent=2))
        return FINE
    width = max(map(len, ROWS))
    group = ""
    for name, row in ROWS.items():
        if row.group != group:
            between = "\n" if group else ""
            group = row.group
            errand.out.print(f"{between}[bold]{group}[/bold]")
        line = f"{name:{width}}  {text(values[name]) or '(not set)'}"
        errand.out.out(line if origin[name] == "default" else f"{line}   <- {origin[name]}", highlight=False)
    return FINE


def markdown() -> str:
    """The full text of docs/settings.md."""
    lines, group = [HEAD.rstrip()], ""
    for row in ROWS.values():
        if row.group != group:
            group = row.group
            lines += ["", f"## {group}", "", "| setting | default | unit | meaning |", "|---|---|---|---|"]
        default = text(row.default)
        meaning = f"{row.meaning}{_limits(row)}"
        cells = (f"`{row.name}`{' 🔒' if row.secret else ''}", f"`{default}`" if default else "", row.unit, meaning)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _limits(row: Row) -> str:
    if row.choices:
        return f" One of {', '.join(f'`{choice}`' for choice in row.choices)}."
    return f" {bounds(row).capitalize()}." if bounds(row) else ""


COMMAND = Command(
    "Prints every setting in effect, with secrets masked, and its source: harvest.toml, a credential, a variable, an option.",
    _arguments,
    _run,
)

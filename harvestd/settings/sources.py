"""The sources of settings: a TOML file, systemd's credentials, and the environment. Each gives raw values with their origins."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from harvestd.settings.faults import Problem
from harvestd.settings.rows import ROWS

PREFIX = "HARVEST_"
#: Variables that are not settings: the configuration file, the switch for fail points, and a parent's message to its processes.
NOT_SETTINGS = frozenset({"HARVEST_CONFIG", "HARVEST_TESTING", "HARVEST_CHILD"})


@attrs.frozen
class Given:
    """A raw value and its origin."""

    value: Any
    origin: str


def from_toml(
    option: str | None, argument: str | Path | None, variable: str | None, problems: list[Problem]
) -> dict[str, Given]:
    """The values in the file that the first given path names, or else in ``./harvest.toml`` if it exists."""
    named = ((option, "--config"), (argument, "the program"), (variable, "HARVEST_CONFIG"))
    where, origin = next(((one, by) for one, by in named if one), ("harvest.toml", "the working directory"))
    path = Path(where)
    if origin == "the working directory" and not path.exists():
        return {}
    try:
        table = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        problems.append(Problem("config", origin, str(path), f"it cannot be read: {error.strerror}"))
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(Problem("config", origin, str(path), f"not TOML: {error}"))
        return {}
    given = {}
    for name, value in table.items():
        if name in ROWS:
            given[name] = Given(value, path.name)
        else:
            problems.append(Problem(name, path.name, "", f"there is no such setting{_like(name, ROWS)}"))
    return given


def from_credentials(folder: str, problems: list[Problem]) -> dict[str, Given]:
    """The secrets in the folder, a file each, that systemd's LoadCredential makes."""
    if not folder:
        return {}
    names = [name for name, row in ROWS.items() if row.secret and (Path(folder) / name).exists()]
    return {name: one for name in names if (one := _from_file(name, Path(folder) / name, "credential", problems))}


def from_environment(environ: Mapping[str, str], problems: list[Problem]) -> dict[str, Given]:
    """The values of ``HARVEST_…`` variables; secrets also from the files that ``HARVEST_…_FILE`` name."""
    by_variable = {row.variable: row for row in ROWS.values()}
    by_file = {row.variable + "_FILE": row for row in ROWS.values() if row.secret}
    given: dict[str, Given] = {}
    for variable, value in sorted(environ.items()):
        if not variable.startswith(PREFIX) or variable in NOT_SETTINGS or not value:
            continue
        if variable in by_variable:
            given[by_variable[variable].name] = Given(value, variable)
        elif variable in by_file and by_file[variable].name in given:
            other = by_file[variable].variable
            problems.append(Problem(by_file[variable].name, variable, "", f"{other} is set too; unset one of the two"))
        elif variable in by_file:
            one = _from_file(by_file[variable].name, Path(value), variable, problems)
            if one is not None:
                given[by_file[variable].name] = one
        else:
            cure = f"there is no such setting{_like(variable, by_variable)}"
            problems.append(Problem(variable, "the environment", "", cure))
    return given


def _from_file(name: str, path: Path, origin: str, problems: list[Problem]) -> Given | None:
    try:
        return Given(path.read_text("utf-8-sig").rstrip("\r\n"), origin)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        problems.append(Problem(name, origin, str(path), f"the file cannot be read: {why}"))
        return None


def _like(name: str, known: Iterable[str]) -> str:
    """A hint at the most similar known name, compared without the prefix that all variables share."""
    plain = {k.lower().removeprefix(PREFIX.lower()): k for k in known}
    close = difflib.get_close_matches(name.lower().removeprefix(PREFIX.lower()), plain, n=1)
    if not close:
        return "; harvestctl settings lists them all"
    return f"; did you mean {plain[close[0]]}?"

"""The sources of settings: ``harvest.toml``, then credentials, then the environment, then options; the last one wins.

The table of all settings is ``table.py``; parsing and validation of a value are in ``values.py``.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from harvestd.settings.rows import ROWS, Unfit
from harvestd.settings.table import Settings
from harvestd.settings.values import parse, shown

PREFIX = "HARVEST_"
#: Variables that are not settings: the configuration file, the switch for fail points, and a parent's message to its processes.
NOT_SETTINGS = frozenset({"HARVEST_CONFIG", "HARVEST_TESTING", "HARVEST_CHILD"})

#: Of the embedded database's 100 connections, some are reserved for harvestctl and for PostgreSQL itself.
EMBEDDED_CONNECTIONS = 90


@attrs.frozen
class Problem:
    """One wrong setting: its name, its origin if known, its value in printable form, and the cure."""

    name: str
    origin: str
    value: str
    cure: str

    def __str__(self) -> str:
        what = f"{self.name} = {self.value}" if self.value else self.name
        return f"{what} (from {self.origin}): {self.cure}" if self.origin else f"{what}: {self.cure}"


class SettingError(Exception):
    """One or more settings are wrong. The text names every one of them, its value and the cure."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = "a setting is wrong:" if count == 1 else f"{count} settings are wrong:"
        super().__init__("\n".join([head, *[f"  {p}" for p in self.problems]]))

    @property
    def on_the_command_line(self) -> bool:
        """Whether one of the wrong settings is an option: then the same command line can never be valid."""
        return any(problem.origin.startswith("--") for problem in self.problems)


@attrs.frozen
class Loaded:
    """The effective settings, and the origin of each value by name: ``default``, the name of the TOML file,
    ``credential``, ``HARVEST_HTTP_PORT``, ``HARVEST_X_FILE`` or ``--http-port``."""

    settings: Settings
    origin: Mapping[str, str]


@attrs.frozen
class _Given:
    """A raw value and its origin."""

    value: Any
    origin: str


def load(
    options: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    toml_path: str | Path | None = None,
    *,
    queues: Callable[[], Collection[str]] | None = None,
) -> Loaded:
    """Read, validate and resolve the settings; raises :class:`SettingError` with all faults.

    ``options`` has the settings' names (``http_port``) and optionally ``config``, the path of a TOML file; without that,
    ``toml_path`` or ``HARVEST_CONFIG`` names it, and ``./harvest.toml`` is read if it exists. ``queues`` returns
    the valid queue names, and is called only if the setting ``queues`` is given.
    """
    options, environ = dict(options or {}), dict(environ or {})
    problems: list[Problem] = []
    given: dict[str, _Given] = {}
    given |= _from_toml(options.pop("config", None), toml_path, environ.get("HARVEST_CONFIG"), problems)
    given |= _from_credentials(environ.get("CREDENTIALS_DIRECTORY", ""), problems)
    given |= _from_environment(environ, problems)
    for name, value in options.items():
        given[name] = _Given(value, ROWS[name].option)
    values = {}
    for name, one in given.items():
        try:
            values[name] = parse(ROWS[name], one.value)
        except Unfit as unfit:
            problems.append(_problem(name, one, str(unfit)))
    settings = Settings(**values)
    problems.extend(_contradictions(settings, given, environ))
    problems.extend(_no_queues(settings, given, queues))
    if problems:
        raise SettingError(problems)
    return Loaded(resolved(settings), {name: given[name].origin if name in given else "default" for name in ROWS})


def resolved(settings: Settings) -> Settings:
    """The settings with derived values filled in: an absolute ``data_dir``, and the ``public_url`` unless the port
    is still to be chosen."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.http_host, settings.http_host)
    host = f"[{host}]" if ":" in host else host
    url = settings.public_url.rstrip("/") or (f"http://{host}:{settings.http_port}" if settings.http_port else "")
    return attrs.evolve(settings, data_dir=str(Path(settings.data_dir).expanduser().absolute()), public_url=url)


def masked(settings: Settings) -> dict[str, Any]:
    """Every setting in the form in which it may be printed or logged."""
    return {name: shown(row, getattr(settings, name)) for name, row in ROWS.items()}


def secrets(settings: Settings) -> tuple[str, ...]:
    """The secret values, which the log masks."""
    held: list[str] = []
    for name, row in ROWS.items():
        if row.secret:
            value = getattr(settings, name)
            held.extend(value if isinstance(value, tuple) else (value,))
    return tuple(value for value in held if value)


def _from_toml(
    option: str | None, argument: str | Path | None, variable: str | None, problems: list[Problem]
) -> dict[str, _Given]:
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
            given[name] = _Given(value, path.name)
        else:
            problems.append(Problem(name, path.name, "", f"there is no such setting{_like(name, ROWS)}"))
    return given


def _from_credentials(folder: str, problems: list[Problem]) -> dict[str, _Given]:
    if not folder:
        return {}
    names = [name for name, row in ROWS.items() if row.secret and (Path(folder) / name).exists()]
    return {name: one for name in names if (one := _from_file(name, Path(folder) / name, "credential", problems))}


def _from_environment(environ: Mapping[str, str], problems: list[Problem]) -> dict[str, _Given]:
    by_variable = {row.variable: row for row in ROWS.values()}
    by_file = {row.variable + "_FILE": row for row in ROWS.values() if row.secret}
    given: dict[str, _Given] = {}
    for variable, value in sorted(environ.items()):
        if not variable.startswith(PREFIX) or variable in NOT_SETTINGS or not value:
            continue
        if variable in by_variable:
            given[by_variable[variable].name] = _Given(value, variable)
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


def _from_file(name: str, path: Path, origin: str, problems: list[Problem]) -> _Given | None:
    try:
        return _Given(path.read_text("utf-8-sig").rstrip("\r\n"), origin)
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


def _problem(name: str, one: _Given, cure: str) -> Problem:
    return Problem(name, one.origin, "***" if ROWS[name].secret else repr(one.value), cure)


def _contradictions(settings: Settings, given: Mapping[str, _Given], environ: Mapping[str, str]) -> Iterable[Problem]:
    """Faults in the combination of settings that are valid on their own."""
    if settings.replica_urls and not settings.database_url:
        yield _problem("replica_urls", given["replica_urls"], "replicas follow a primary; set database_url too")
    if settings.fail_points and environ.get("HARVEST_TESTING") != "1":
        yield _problem("fail_points", given["fail_points"], "for tests alone: they need HARVEST_TESTING=1")
    connections = settings.processes * (settings.database_pool + 1)
    if not settings.database_url and connections > EMBEDDED_CONNECTIONS:
        cure = f"with database_pool = {settings.database_pool} these make {connections} connections, and the embedded"
        cure += f" database has {EMBEDDED_CONNECTIONS} for them: lower one of the two, or set database_url"
        yield Problem("processes", "this combination", str(settings.processes), cure)


def _no_queues(
    settings: Settings, given: Mapping[str, _Given], queues: Callable[[], Collection[str]] | None
) -> Iterable[Problem]:
    if queues is None or not settings.queues:
        return
    known = [name.removeprefix("harvest.") for name in queues()]
    for queue in settings.queues:
        if queue.removeprefix("harvest.") not in known:
            short = ", ".join(known)
            yield Problem("queues", given["queues"].origin, repr(queue), f"there is no such queue; there are {short}")

"""The settings of a process: loaded from all sources, checked, and resolved.

The last source wins: ``harvest.toml``, then credentials, then the environment, then options. The table of all settings is
``table.py``; parsing and validation of a value are in ``values.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from harvestd.settings.faults import Problem, SettingError
from harvestd.settings.rows import ROWS, Unfit
from harvestd.settings.sources import Given, from_credentials, from_environment, from_toml
from harvestd.settings.table import Settings
from harvestd.settings.values import parse, shown

#: Of the embedded database's 100 connections, some are reserved for harvestctl and for PostgreSQL itself.
EMBEDDED_CONNECTIONS = 90


@attrs.frozen
class Loaded:
    """The effective settings, and the origin of each value by name: ``default``, the name of the TOML file,
    ``credential``, ``HARVEST_HTTP_PORT``, ``HARVEST_X_FILE`` or ``--http-port``."""

    settings: Settings
    origin: Mapping[str, str]


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
    given: dict[str, Given] = {}
    given |= from_toml(options.pop("config", None), toml_path, environ.get("HARVEST_CONFIG"), problems)
    given |= from_credentials(environ.get("CREDENTIALS_DIRECTORY", ""), problems)
    given |= from_environment(environ, problems)
    for name, value in options.items():
        given[name] = Given(value, ROWS[name].option)
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


def _problem(name: str, one: Given, cure: str) -> Problem:
    return Problem(name, one.origin, "***" if ROWS[name].secret else repr(one.value), cure)


def _contradictions(settings: Settings, given: Mapping[str, Given], environ: Mapping[str, str]) -> Iterable[Problem]:
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
    settings: Settings, given: Mapping[str, Given], queues: Callable[[], Collection[str]] | None
) -> Iterable[Problem]:
    if queues is None or not settings.queues:
        return
    known = [name.removeprefix("harvest.") for name in queues()]
    for queue in settings.queues:
        if queue.removeprefix("harvest.") not in known:
            short = ", ".join(known)
            yield Problem("queues", given["queues"].origin, repr(queue), f"there is no such queue; there are {short}")

"""From settings to parts to services, to be read from top to bottom.

A :class:`Role` is the purpose of a process. :func:`start` claims the port, prepares the database, has the parts
assembled (``assembly/`` chooses the implementation of each interface), and adds all services to the lifecycle's list,
each after its dependencies.
"""

from __future__ import annotations

import os
import signal

import attrs
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from harvestd.assembly.parts import assembled
from harvestd.kernel.errors import Unavailable
from harvestd.loading.demo.filling import prepare
from harvestd.market.operations import probes
from harvestd.market.operations.routes import OPERATOR
from harvestd.market.search.postgres.engine import configuration
from harvestd.parts import Parts
from harvestd.process.children import Children, leash
from harvestd.process.ports import claim
from harvestd.process.secret import SecretError
from harvestd.process.signals import at_the_very_end
from harvestd.queue.runner import Workers
from harvestd.runtime import failpoints
from harvestd.runtime.lifecycle import Lifecycle
from harvestd.runtime.patience import Patience
from harvestd.settings.faults import Problem, SettingError
from harvestd.settings.loading import resolved
from harvestd.settings.table import Settings
from harvestd.store.embedded.cluster import EmbeddedError
from harvestd.store.embedded.running import running
from harvestd.store.embedded.server import EmbeddedPostgres
from harvestd.store.postgres.connection_settings import ConnectionSettings
from harvestd.store.postgres.migrations import SchemaError, migrate, pending
from harvestd.store.postgres.startup import DatabaseAway, answering
from harvestd.store.postgres.statements import Statement, scalar
from harvestd.tables import HANDLERS, PERIODIC, ROUTES
from harvestd.web.route_check import look_into
from harvestd.web.server import PortInUse, WebService

#: Expected reasons for a failed start, which are not bugs: reported in a sentence, without a traceback.
EXPECTED = (SettingError, SecretError, EmbeddedError, SchemaError, DatabaseAway, PortInUse, Unavailable, OSError)

_HAS_LANGUAGE = Statement(
    "application.has_language", "select exists (select from pg_ts_config where cfgname = :configuration)", scalar
)

log = Logger()


@attrs.frozen
class Role:
    """The purpose of a process. ``serves``: it runs the web server. ``consumes``: it consumes the queues, regardless of
    the settings. ``first``: it is the process that a single-machine market needs: it runs the embedded database, the
    consumers and child processes, and migrates. ``passing``: it is a command, which may run the database for its own
    duration."""

    name: str
    serves: bool = False
    consumes: bool = False
    first: bool = False
    passing: bool = False


API = Role("api", serves=True, first=True)
CHILD = Role("api", serves=True)
WORKER = Role("worker", consumes=True)
CTL = Role("ctl", passing=True)


async def start(lifecycle: Lifecycle, settings: Settings, role: Role, patience: Patience | None = None) -> Parts:
    """Start a process of ``role``. ``lifecycle`` is a fresh one, which the caller stops, even when this raises: one of
    :data:`EXPECTED`, or an unexpected error. ``patience`` is for the database; without one it must be available."""
    _arm_fail_points(settings)
    port = claim(settings, first=role.first) if role.serves else None
    if port is not None:
        lifecycle.add("port", _nothing, port.drop)
        settings = resolved(attrs.evolve(settings, http_port=port.number))
    settings, ours = await database(lifecycle, settings, role, patience)
    await schema(settings, migrating=ours)
    parts, relay = assembled(lifecycle, settings, role.name, role.passing)
    if not role.passing:
        await deferToThread(probes.of_embedded, parts)
    lifecycle.add("search language", lambda: _language(parts), _nothing)
    if role.first or role.consumes:
        lifecycle.add("relay", relay.start, relay.stop)
    if role.first and settings.demo:
        lifecycle.add("demo", lambda: prepare(parts), _nothing)
    if role.consumes or (role.first and _with_workers(settings)):
        workers = Workers(parts, HANDLERS, PERIODIC, settings.queues)
        parts.health.add("workers", workers.condition)
        lifecycle.add("workers", workers.start, workers.stop)
    if port is not None:
        await deferToThread(look_into, ROUTES)
        web = WebService(parts, ROUTES, reuse_port=settings.processes > 1 or not role.first)
        lifecycle.add("port given up", port.drop, _nothing)
        lifecycle.add("web", web.start, web.stop)
    if settings.metrics_port and not role.passing:
        own = attrs.evolve(settings, http_host=settings.metrics_host, http_port=settings.metrics_port)
        operator = WebService(attrs.evolve(parts, settings=own), OPERATOR, name="metrics_port")
        lifecycle.add("metrics", operator.start, operator.stop)
    if role is CHILD:
        lifecycle.add("leash", lambda: leash(lifecycle.reactor), _nothing)
    if role.first and settings.processes > 1:
        children = Children(lifecycle.reactor, settings, settings.processes - 1)
        lifecycle.add("processes", children.start, children.stop)
    await lifecycle.start()
    return parts


async def database(
    lifecycle: Lifecycle, settings: Settings, role: Role, patience: Patience | None = None
) -> tuple[Settings, bool]:
    """The settings with the database's URL, and whether it is an embedded one that this process started."""
    patience = patience or Patience(lifecycle.reactor, 0.0)
    if settings.database_url:
        link = ConnectionSettings(
            settings.database_url, settings.database_connect_timeout, application_name="harvestd-start"
        )
        await answering(lifecycle.reactor, link, patience)
        return settings, False
    url = "" if role.first else await _of_another(settings, patience)
    if url:
        return attrs.evolve(settings, database_url=url), False
    if not (role.first or role.passing):
        raise EmbeddedError(
            f"no harvest-api runs on {settings.data_dir}, whose embedded database this would use: start that first, "
            "or set database_url for both"
        )
    patience = attrs.evolve(patience, seconds=settings.database_start_deadline)
    server = EmbeddedPostgres(lifecycle.reactor, settings.data_dir, settings.postgres_bin, patience)
    at_the_very_end(lambda: _quit(server.pid))
    lifecycle.add("embedded database", server.start, server.stop)
    await lifecycle.start()
    return attrs.evolve(settings, database_url=server.url), True


async def _of_another(settings: Settings, patience: Patience) -> str:
    """The URL of the embedded database that another process runs on the data folder; "" if there is none. One that is
    still starting is waited for."""
    found = ""

    async def missing() -> str:
        nonlocal found
        state = await deferToThread(running, settings.data_dir)
        found = (state.url if state else "") or ""
        return f"process {state.pid} is starting it" if state and not state.url else ""

    starting = await patience.wait("the embedded database", missing)
    if starting:
        raise DatabaseAway(
            f"{starting}, and was not done within {patience.seconds:g} s: its log says what it waits for; try again then"
        )
    return found


async def schema(settings: Settings, migrating: bool) -> None:
    """Migrate the schema to this version, or raise ``SchemaError`` if the versions differ: an external database is
    migrated when its operator says so (``harvestctl migrate``), not by the start of a process."""
    if migrating:
        for title in await deferToThread(migrate, settings.database_url):
            log.info("migration {title} applied", title=title)
        return
    missing = await deferToThread(pending, settings.database_url)
    if missing:
        raise SchemaError(f"the database lacks {', '.join(missing)}: run harvestctl migrate with the same settings")


async def _language(parts: Parts) -> None:
    """Check the language here, since only the database knows which ones it has."""
    name = parts.settings.search_language
    if not await parts.database.row(_HAS_LANGUAGE, configuration=configuration(name)):
        cure = "the database has no such text search configuration; psql's \\dF lists them, english is always there, and none takes words as they are"
        raise SettingError([Problem("search_language", "", repr(name), cure)])


def _with_workers(settings: Settings) -> bool:
    """Whether the API process also consumes: by default not with RabbitMQ, which has worker processes."""
    return settings.workers == "on" or (settings.workers == "auto" and not settings.rabbitmq_url)


def _quit(pid: int | None) -> None:
    """Have PostgreSQL exit immediately; it recovers at its next start."""
    if pid is not None:
        os.kill(pid, signal.SIGQUIT)


def _arm_fail_points(settings: Settings) -> None:
    try:
        failpoints.arm(settings.fail_points)
    except ValueError as error:
        raise SettingError([Problem("fail_points", "settings", repr(settings.fail_points), str(error))]) from error


def _nothing() -> None:
    """The start or stop of a part that needs none."""

"""What every test has.

A test may be a plain ``async def``: it runs on the reactor and fails after 30 seconds, or after ``@pytest.mark.limit(n)``.
(``@pytest_twisted.ensureDeferred`` still works and is bounded in the same way; pytest-timeout is only the backstop, which
ends the whole run.) Async fixtures are function-scoped ``pytest_twisted.async_yield_fixture``.

A test fails for what it leaves behind (``tests/leaks.py``): timers, sockets, and logged errors. One that makes the code
log errors on purpose takes the fixture ``expected_errors`` and asserts them, or has ``@pytest.mark.logs_errors``.

The database of a test is real: ``database_url`` names a migrated one in which nothing is yet, on a private server that this
pytest process owns (``servers/lent.py``), ``second_database_url`` another, ``database`` a started Database on the first.
Who asks for plans takes ``untouched_database_url``.
"""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import pytest_twisted
from twisted.internet.defer import CancelledError, Deferred

from harvestd.settings.table import Settings
from harvestd.store.postgres.connection_settings import ConnectionSettings
from harvestd.store.postgres.database import Database
from servers import PostgresServer, shared
from servers.elasticsearch import ELASTICSEARCH, ELASTICSEARCH_8, OPENSEARCH, ElasticsearchServer, Flavour
from servers.lent import LentDatabases
from servers.pace import Pace
from servers.rabbitmq import RabbitServer
from servers.redis import RedisServer
from servers.s3 import S3Server
from tests import forking, hashes
from tests.daemons import LOGS
from tests.kept import AsNeeded

#: No example has a deadline by the clock: what else this machine does at that moment is no property of the code.
hypothesis.settings.register_profile("harvestd", deadline=None)
hypothesis.settings.load_profile("harvestd")

LIMIT = 30.0
#: How many times as long as it says the backstop of a test waits.
BUSY = 4
#: So many characters of a daemon's log are shown of a test that failed.
SAID_LAST = 6_000
#: What takes long to start: one worker has all tests of one, so that it is started once (or once for each module).
DEAR = ("elasticsearch", "opensearch", "rabbitmq", "module_server", "shop")
pytest_plugins = ("tests.ahead", "tests.slow", "tests.leaks")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "logs_errors: the test may leave logged errors of any kind.")
    shared.begin()
    config.addinivalue_line("markers", "limit(seconds): the longest an async test may take; otherwise 30.")


@pytest.fixture(autouse=True, scope="session")
def _forked_programs() -> Iterator[None]:
    with forking.forked():
        yield


@pytest.fixture(autouse=True, scope="session")
def _cheap_hashes() -> Iterator[None]:
    """Thousands of tests sign people in: their hashes are argon2id's, at its least cost. What the cost is to a market is tested with
    ``real_hashes``."""
    with hashes.cheap():
        yield


@pytest.fixture
def real_hashes() -> Iterator[None]:
    """Hashes at the cost that a market has."""
    with hashes.real():
        yield


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have ``xdist_group`` hold: pytest-xdist 3.8 writes the group to where pytest before 9.2 had the test's name. And give
    a test's ``timeout`` as much more as a busy machine takes: it goes by the clock, with all fixtures, and ends the whole run."""
    for item in items:
        timeout = item.get_closest_marker("timeout")
        if timeout is not None and timeout.args:
            item.add_marker(pytest.mark.timeout(BUSY * timeout.args[0]), append=False)
    if not getattr(config.option, "loadgroup", False):
        return
    for item in items:
        group = _group(item)
        if group and hasattr(item, "_id") and "@" not in item.nodeid.rpartition("]")[2]:
            item._id = type(item._id).parse(f"{item.nodeid}@{group}")


def _group(item: pytest.Item) -> str:
    """The tests of one group run in one worker: by their mark, or by the server that they share with others."""
    mark = item.get_closest_marker("xdist_group")
    if mark is not None:
        return str(mark.args[0])
    return next((name for name in DEAR if name in getattr(item, "fixturenames", ())), "")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """Bound every coroutine test, and let pytest-twisted run it."""
    given = getattr(pyfuncitem.obj, "hypothesis", None)
    test = given.inner_test if given is not None else pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return
    mark = pyfuncitem.get_closest_marker("limit")
    seconds = float(mark.args[0]) if mark else LIMIT

    @pytest_twisted.ensureDeferred
    @functools.wraps(test)
    async def bounded(*args: Any, **kwargs: Any) -> None:
        from twisted.internet import reactor

        await bounded_by(Deferred.fromCoroutine(test(*args, **kwargs)), seconds, reactor)

    if given is not None:
        given.inner_test = bounded
    else:
        pyfuncitem.obj = bounded


def bounded_by(deferred: Deferred[Any], seconds: float, reactor: Any) -> Deferred[Any]:
    """``addTimeout`` in seconds as the machine gave them, and of at most four times as many by the clock. What it gave is looked
    at only once they have passed: almost every test is done by then."""
    pace, end = None, reactor.seconds() + 4 * seconds

    def look() -> None:
        nonlocal timer, pace
        pace = pace or Pace()
        left = min(seconds - pace.seconds(), end - reactor.seconds())
        if left > 0:
            timer = reactor.callLater(max(left, 0.1), look)
        else:
            deferred.addErrback(lambda failure: failure.trap(CancelledError) and _too_long(seconds))
            deferred.cancel()

    def done(result: Any) -> Any:
        if timer.active():
            timer.cancel()
        return result

    timer = reactor.callLater(seconds, look)
    return deferred.addBoth(done)


def _too_long(seconds: float) -> None:
    raise TimeoutError(f"not within {seconds:g} s")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Have a test that failed show what the daemons that it started said last: elsewhere there is nothing else to see of them."""
    report = yield
    if report.failed:
        for log in LOGS:
            if log.exists() and log.stat().st_mtime >= time.time() - call.duration - 1:
                report.sections.append((f"log of {log.name}", log.read_text("utf-8", "replace")[-SAID_LAST:]))
    return report


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Tells a number that the test came by, at the end of the run (also from a worker of pytest-xdist). Never a condition."""
    return lambda text: request.node.user_properties.append(("measured", text))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    told = [(report.nodeid, text) for report in reports for name, text in report.user_properties if name == "measured"]
    if told:
        terminalreporter.section("measured")
        for nodeid, text in told:
            terminalreporter.line(f"{nodeid.rpartition('::')[2]}: {text}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The private server of this process. Do not stop or freeze it: make a PostgresServer of your own for that."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def _databases(postgres: PostgresServer) -> LentDatabases:
    return LentDatabases(postgres)


@pytest.fixture
def database_url(_databases: LentDatabases) -> Iterator[str]:
    """A migrated database in which nothing is yet."""
    yield from _lent(_databases)


@pytest.fixture
def second_database_url(_databases: LentDatabases) -> Iterator[str]:
    """Another one."""
    yield from _lent(_databases)


@pytest.fixture(scope="session")
def untouched_database_url(postgres: PostgresServer) -> str:
    """A migrated database to which nobody may write: plans go by the sizes of files, also of indices, and one that was emptied keeps those."""
    name = postgres.clone()
    postgres.query("postgres", f"alter database {name} set default_transaction_read_only = on")
    return postgres.url(name)


def _lent(databases: LentDatabases) -> Iterator[str]:
    url = databases.lend()
    try:
        yield url
    finally:
        databases.take_back(url)


@pytest_twisted.async_yield_fixture
async def database(
    database_url: str, _databases: LentDatabases, request: pytest.FixtureRequest
) -> AsyncIterator[Database]:
    """A started Database on ``database_url``; that of a whole market has the connections of the test before."""
    from twisted.internet import reactor

    settings = ConnectionSettings(database_url)
    database = Database(reactor, settings, size=4, wait=2.0)
    database.pool = pool = AsNeeded(reactor, settings, size=4, wait=2.0)
    database.start()
    handed_on = "parts" in request.fixturenames
    if handed_on:
        pool.adopt(_databases.connections(database_url))
    yield database
    if handed_on:
        _databases.leave(database_url, await pool.let_go())
    await Deferred.fromCoroutine(database.stop()).addTimeout(10, reactor)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The defaults, in a folder of the test's own, on a free port, with short delays."""
    return Settings(
        allowed_hosts=("*",),
        data_dir=str(tmp_path),
        http_port=0,
        queue_poll=0.05,
        queue_retry_scale=0.02,
        stop_deadline=5.0,
    )


@pytest.fixture(scope="session")
def _redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis(_redis: RedisServer) -> RedisServer:
    """The private Redis of this process, empty. Do not stop or freeze it: make a RedisServer of your own for that."""
    _redis.flush()
    return _redis


@pytest.fixture(scope="session")
def _s3() -> Iterator[S3Server]:
    with S3Server() as server:
        yield server


@pytest.fixture
def s3(_s3: S3Server) -> S3Server:
    """The private S3 server of this process, empty. Do not stop or freeze it: make an S3Server of your own for that."""
    _s3.empty()
    return _s3


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitServer]:
    """The private RabbitMQ of this process; each test has a vhost of its own. To stop or freeze it, make one of your own."""
    with RabbitServer() as server:
        yield server


@pytest.fixture(scope="session")
def elasticsearch() -> Iterator[ElasticsearchServer]:
    """Elasticsearch 7.10.2; each test has names of indices of its own. To stop or freeze it, make one of your own."""
    yield from _engine(ELASTICSEARCH)


@pytest.fixture(scope="session")
def opensearch() -> Iterator[ElasticsearchServer]:
    """OpenSearch 2.19.6, likewise."""
    yield from _engine(OPENSEARCH)


@pytest.fixture(scope="session")
def elasticsearch8() -> Iterator[ElasticsearchServer]:
    """Elasticsearch 8.18.0 without the analysers of any language, likewise."""
    yield from _engine(ELASTICSEARCH_8)


def _engine(flavour: Flavour) -> Iterator[ElasticsearchServer]:
    with ElasticsearchServer(flavour) as server:
        yield server

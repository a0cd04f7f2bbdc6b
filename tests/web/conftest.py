"""A Site over the dummy routes of ``tests/web/dummies.py``, on a real database, without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import attrs
import pytest
import pytest_twisted
import uuid_utils
from klein import Klein
from twisted.internet.defer import Deferred
from zope.interface import implementer

from harvestd import tables
from harvestd.interfaces import Account, ISignIns, ITopics
from harvestd.market.accounts.keys_near import NearApiKeys
from harvestd.market.accounts.sign_ins import PostgresSignIns
from harvestd.market.accounts.sign_ins_near import NearSignIns
from harvestd.market.days.days_near import NearDays
from harvestd.market.groups.groups_near import NearGroups
from harvestd.market.pricing.pricing_near import NearPricing
from harvestd.market.search.postgres.engine import PostgresSearch
from harvestd.market.search.rules_near import NearRules
from harvestd.parts import Parts
from harvestd.process.pictures import Pictures
from harvestd.runtime.lifecycle import Lifecycle
from harvestd.runtime.metrics import Metrics
from harvestd.settings.table import Settings
from harvestd.store.blobs.folder import FolderBlobs, folder_of
from harvestd.store.cache.near import NearCache
from harvestd.store.limiter import MemoryLimiter
from harvestd.store.postgres.database import Database
from harvestd.tables import TOPOLOGY
from harvestd.web import server, tokens
from harvestd.web.context import Caller
from harvestd.web.gate import Gate
from harvestd.web.routes import Route
from harvestd.web.server import make_site
from tests.people import Market
from tests.web.client import Client
from tests.web.dummies import ROUTES

SECRET = "a secret of at least forty-eight characters, for HS384"


#: Of the dummies' users, by id.
ROLES: dict[str, str] = {}


@implementer(ITopics)
class Nobody:
    """Topics of a process that is alone."""

    async def publish(self, channel: str, payload: str) -> None:
        pass

    def subscribe(self, channel: str, receive: Callable[[str], None], gap: Callable[[], None]) -> Callable[[], None]:
        return lambda: None


@implementer(ISignIns)
class Everybody:
    """Sign-ins that all hold: the dummies' callers have tokens, and no rows."""

    async def account(self, user_id: str, session: str) -> Account:
        return Account(ROLES.get(user_id, "buyer"))

    async def ended(self, user_id: str) -> None:
        pass


@attrs.define
class Wakes:
    """How often the relay was woken."""

    count: int = 0

    def __call__(self) -> None:
        self.count += 1


def make_parts(settings: Settings, database: Any, reactor: Any = None) -> Parts:
    """The parts that the gate needs; the others are None, and must not be asked."""
    if reactor is None:
        from twisted.internet import reactor as real

        reactor = real
    absent = cast(Any, None)
    cache = NearCache(reactor, Nobody(), settings.cache_size, settings.cache_stale)
    metrics = Metrics()
    return Parts(
        settings=settings,
        reactor=reactor,
        lifecycle=Lifecycle(reactor, settings.stop_deadline),
        metrics=metrics,
        database=database,
        reads=database,
        control=absent,
        topics=Nobody(),
        cache=cache,
        limiter=MemoryLimiter(reactor.seconds),
        sign_ins=Everybody(),
        api_keys=absent,
        groups=absent,
        pricing=absent,
        search=PostgresSearch(database) if database is not None else absent,
        search_rules=absent,
        broker=absent,
        mailer=absent,
        blobs=FolderBlobs(reactor, folder_of(settings), metrics.shortages),
        pictures=Pictures(reactor),
        secret=SECRET,
        now=lambda: datetime.now(UTC),
        new_id=lambda: str(uuid_utils.uuid7()),
        topology=TOPOLOGY,
        due=lambda task: None,
        wake_relay=Wakes(),
        listeners=tables.LISTENERS,
        long_work=tables.LONG_WORK,
    )


def token_for(user_id: str, role: str = "buyer", ttl: float = 900) -> str:
    """An access token that holds, and from now on the role of the dummies' user."""
    ROLES[user_id] = role
    return tokens.issue(SECRET, Caller(user_id, role, user_id), datetime.now(UTC), ttl)


@pytest.fixture(autouse=True, scope="session")
def _addresses_are_compiled_once() -> Iterator[None]:
    """Each test has a site of its own, of the same table: its endpoints are another's, and which address leads to which is found as for the
    first. What the table is, and that all of it is right, is found of the first, too."""
    made: dict[int, tuple[Sequence[Route], Klein]] = {}
    make_anew = server.make_app

    def make_app(parts: Parts, routes: Sequence[Route], gate: Gate | None = None) -> Klein:
        if not isinstance(routes, tuple) or not parts.settings.short_way:
            return make_anew(parts, routes, gate)
        gate = gate or Gate(parts, routes)
        if id(routes) not in made:
            made[id(routes)] = routes, make_anew(parts, routes, gate)
            return made[id(routes)][1]
        app = Klein()
        app._url_map = made[id(routes)][1].url_map
        app._endpoints = {route.name: _plain(gate.endpoint(route)) for route in routes}
        unrouted: Any = gate.unrouted
        app.handle_errors(Exception)(unrouted)
        return app

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "make_app", make_app)
        yield


def _plain(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """As Klein keeps one: it hands on whose app it is, which is nobody's."""
    return lambda instance, request, **path: endpoint(request, **path)


@pytest.fixture
def web_settings(settings: Settings) -> Settings:
    """The defaults without rate limits; tests of limits evolve them."""
    return attrs.evolve(settings, rate_limits=False)


@pytest.fixture
def client(web_settings: Settings) -> Iterator[Client]:
    """Without a database: for everything that is decided before one is needed."""
    site = make_site(make_parts(web_settings, None), ROUTES)
    yield Client(site)


@pytest.fixture
def parts(web_settings: Settings, database: Database) -> Parts:
    return make_parts(web_settings, database)


@pytest_twisted.async_yield_fixture
async def store_client(parts: Parts) -> AsyncIterator[Client]:
    """With a database, for routes that write."""
    yield Client(make_site(parts, ROUTES))


async def settled(*coroutines: Any) -> list[Any]:
    """All at once; each result, or what it raised."""
    return [await d for d in [Deferred.fromCoroutine(c).addErrback(lambda f: f.value) for c in coroutines]]


def make_market(parts: Parts) -> Market:
    """The whole route table over ``parts``, and people to come, whose sign-ins are looked at."""
    source = PostgresSignIns(parts.database, parts.machine_now)
    sessions = NearSignIns(parts.reactor, parts.topics, source, ttl=600.0)  # however slow the machine, asked once
    keys = NearApiKeys(parts.reactor, parts.topics, parts.database, sessions, parts.machine_now)
    groups = NearGroups(parts.reactor, parts.topics, parts.database)
    days = NearDays(parts.reactor, parts.topics)
    rules = NearRules(parts.reactor, parts.topics, parts.database, parts.cache)
    pricing = NearPricing(parts.reactor, parts.topics, parts.database)
    parts = attrs.evolve(
        parts, sign_ins=sessions, api_keys=keys, groups=groups, search_rules=rules, pricing=pricing, market_days=days
    )
    return Market(parts, Client(make_site(parts, tables.ROUTES)))


@pytest_twisted.async_yield_fixture
async def market(parts: Parts) -> AsyncIterator[Market]:
    """The whole route table, on a real database."""
    yield make_market(parts)

"""The implementation of each interface: the one place that knows them all, and chooses by the settings.

The modules of an accelerator are imported only if it is chosen: they and its library take 1 to 3 MB of each process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from uuid_utils import uuid7

from harvestd.interfaces import IBroker, ILimiter, IMailer
from harvestd.kernel.languages import spoken
from harvestd.market.accounts import sign_ins_near
from harvestd.market.accounts.keys_near import NearApiKeys
from harvestd.market.accounts.sign_ins import PostgresSignIns, SignInSource
from harvestd.market.accounts.sign_ins_near import NearSignIns
from harvestd.market.catalogue.view_counts import Views
from harvestd.market.groups.groups_near import NearGroups
from harvestd.market.operations import probes
from harvestd.market.search import rules_near
from harvestd.market.search.misses import Misses
from harvestd.market.search.postgres.engine import PostgresSearch, configuration
from harvestd.market.search.rules_near import NearRules
from harvestd.market.search.tongues import others
from harvestd.partners.mail import FolderMailer, Sender
from harvestd.parts import Parts
from harvestd.process.pictures import Pictures
from harvestd.process.secret import token_secret
from harvestd.queue.postgres.broker import PostgresBroker
from harvestd.queue.relay import Relay
from harvestd.queue.runner import Due
from harvestd.runtime.lifecycle import Lifecycle
from harvestd.runtime.metrics import Metrics
from harvestd.settings.table import Settings
from harvestd.store import outbox
from harvestd.store.blobs.choosing import store_of
from harvestd.store.cache import invalidations
from harvestd.store.cache.near import NearCache
from harvestd.store.limiter import MemoryLimiter
from harvestd.store.postgres.connection import ConnectionSettings
from harvestd.store.postgres.control import ControlConnection
from harvestd.store.postgres.database import Database
from harvestd.store.postgres.replicas import Replicas
from harvestd.store.topics import PostgresTopics
from harvestd.store.trials import PostgresTrials
from harvestd.tables import LISTENERS, LONG_WORK, TOPOLOGY

if TYPE_CHECKING:
    from harvestd.market.search.fallback import SearchWithFallback
    from harvestd.partners.oidc import OidcIssuer
    from harvestd.queue.rabbitmq.broker import RabbitBroker
    from harvestd.store.blobs.s3 import S3Blobs
    from harvestd.store.redis.cache import RedisCache
    from harvestd.store.redis.client import RedisClient
    from harvestd.store.redis.topics import RedisTopics

#: Timeout in seconds for a connection to a replica, before a read goes to the primary.
REPLICA_WAIT = 0.2
#: The channels for consistency between processes: cache invalidations, the validity of sign-ins, and the rules of searches.
SURE = (invalidations.CHANNEL, sign_ins_near.CHANNEL, rules_near.CHANNEL)


@attrs.frozen
class _Postgres:
    """The databases of a process, and its control connection. ``reads`` is the primary or one of the ``replicas``."""

    primary: Database
    replicas: list[Database]
    reads: Replicas
    control: ControlConnection


@attrs.frozen
class _Used:
    """The servers that the market can do without, as far as the settings name them."""

    redis: RedisClient | None
    rabbitmq: RabbitBroker | None
    elasticsearch: SearchWithFallback | None
    issuer: OidcIssuer | None
    s3: S3Blobs | None


def assembled(lifecycle: Lifecycle, settings: Settings, name: str, passing: bool = False) -> tuple[Parts, Relay]:
    """The parts of a process, and the relay; services to start are in the lifecycle's list, each after its
    dependencies. A ``passing`` process leaves nothing in the data folder."""
    reactor, metrics = lifecycle.reactor, Metrics()
    postgres = _postgres(reactor, settings, metrics, name)
    primary, reads, control = postgres.primary, postgres.reads, postgres.control
    redis, topics = _redis(reactor, settings, control)
    settle = settings.replica_max_lag if postgres.replicas else 0.0
    secret = token_secret(settings, making=not passing)
    near = NearCache(reactor, topics, settings.cache_size, settings.cache_stale, settle=settle)
    plain = PostgresSearch(
        primary,
        configuration(settings.search_language),
        now,
        reads,
        others(spoken(settings.market_languages), settings.search_language),
    )
    searching = _elasticsearch(reactor, settings, plain, primary, control)
    cache, source, limiter = _shared(
        redis, near, secret, settle, PostgresSignIns(primary, now), MemoryLimiter(reactor.seconds)
    )
    sign_ins = NearSignIns(reactor, topics, source)
    rabbitmq = _rabbitmq(reactor, settings, primary)
    broker: IBroker = rabbitmq or PostgresBroker(reactor, settings, TOPOLOGY, primary, control)
    issuer = _issuer(reactor, settings) if name == "api" else None
    blobs, s3 = store_of(reactor, settings, metrics.shortages, now)
    relay = Relay(reactor, settings, TOPOLOGY, primary, control, broker, now, secret, metrics)
    parts = Parts(
        settings=settings, reactor=reactor, lifecycle=lifecycle, metrics=metrics, database=primary, reads=reads,
        control=control, topics=topics, cache=cache, limiter=limiter, sign_ins=sign_ins,
        api_keys=NearApiKeys(reactor, topics, primary, sign_ins, now), groups=NearGroups(reactor, topics, primary),
        search=searching or plain, search_rules=NearRules(reactor, topics, primary, cache), broker=broker, mailer=_mailer(reactor, settings),
        blobs=blobs, pictures=Pictures(reactor), secret=secret, now=now, new_id=new_id, wake_relay=relay.wake, due=Due(reactor, control),
        topology=TOPOLOGY, listeners=LISTENERS, issuer=issuer, long_work=LONG_WORK,
        search_misses=Misses(reactor, primary, now) if name == "api" else None,
        views=Views(reactor, primary, metrics) if name == "api" else None,
    )  # fmt: skip
    used = _Used(redis, rabbitmq, searching, issuer, s3)
    _start(parts, postgres, used)
    _watch(parts, relay, postgres, used)
    return parts, relay


def _start(parts: Parts, postgres: _Postgres, used: _Used) -> None:
    """Have the lifecycle start what needs it, each after its dependencies, and stop it in the reverse order."""
    services: tuple[tuple[str, Any], ...] = (
        ("database", postgres.primary), ("replicas", postgres.reads), ("control connection", postgres.control),
        ("redis", used.redis), ("topics", parts.topics), ("cache", parts.cache), ("sign-ins", parts.sign_ins),
        ("API keys", parts.api_keys), ("groups", parts.groups), ("search", used.elasticsearch), ("S3", used.s3),
        ("rules of searches", parts.search_rules), ("searches without hits", parts.search_misses), ("views", parts.views), ("broker", parts.broker),
    )  # fmt: skip
    for title, service in services:
        if service is not None:
            parts.lifecycle.add(title, service.start, service.stop)


def _watch(parts: Parts, relay: Relay, postgres: _Postgres, used: _Used) -> None:
    """Have health and metrics ask how the parts are."""
    probes.of_parts(parts, relay, postgres.reads, postgres.replicas)
    for title, one in (("redis", used.redis), ("rabbitmq", used.rabbitmq), ("elasticsearch", used.elasticsearch)):
        if one is not None:
            probes.of_accelerator(parts, title, one)
    if used.elasticsearch is not None:
        probes.of_search(parts, used.elasticsearch)
    if used.s3 is not None:
        parts.health.add("s3", used.s3.condition)
    if used.issuer is not None:
        parts.health.add("issuer", used.issuer.condition)


def _postgres(reactor: Any, settings: Settings, metrics: Metrics, name: str) -> _Postgres:
    link = ConnectionSettings(
        settings.database_url, settings.database_connect_timeout, settings.statement_timeout, settings.lock_timeout,
        heavy_timeout=settings.search_timeout, heavy_share=settings.search_share, application_name=f"harvestd-{name}",
    )  # fmt: skip
    short = partial(metrics.shortages.tell, "searches")
    primary = Database(reactor, link, settings.database_pool, settings.database_wait, short)
    replicas = _replicas(reactor, settings, link, short)
    reads = Replicas(reactor, primary, replicas, settings.replica_max_lag)
    return _Postgres(primary, replicas, reads, ControlConnection(reactor, link))


def _replicas(reactor: Any, settings: Settings, link: ConnectionSettings, short: Callable[[], None]) -> list[Database]:
    wait = min(settings.database_wait, REPLICA_WAIT)
    return [
        Database(reactor, attrs.evolve(link, dsn=url), settings.database_pool, wait, short)
        for url in settings.replica_urls
    ]


def _redis(
    reactor: Any, settings: Settings, control: ControlConnection
) -> tuple[RedisClient | None, RedisTopics | PostgresTopics]:
    """The Redis client, if there is one, and the transport of the topics."""
    if not settings.redis_url:
        return None, PostgresTopics(control)
    from harvestd.store.redis.client import RedisClient
    from harvestd.store.redis.topics import RedisTopics

    redis = RedisClient(reactor, settings.redis_url, settings.redis_prefix, settings.redis_timeout)
    return redis, RedisTopics(reactor, redis, control, SURE)


def _shared(
    redis: RedisClient | None,
    near: NearCache,
    secret: str,
    settle: float,
    signed_in: PostgresSignIns,
    counted: MemoryLimiter,
) -> tuple[NearCache | RedisCache, SignInSource, ILimiter]:
    """Cache, sign-ins and limits: through Redis, if there is one."""
    if redis is None:
        return near, signed_in, counted
    from harvestd.market.accounts.sign_ins_redis import RedisSignIns
    from harvestd.store.redis.cache import RedisCache
    from harvestd.store.redis.limiter import RedisLimiter

    cache = RedisCache(near, redis, secret, settle=settle)
    return cache, RedisSignIns(redis, signed_in, secret), RedisLimiter(redis, counted)


def _elasticsearch(
    reactor: Any, settings: Settings, postgres: PostgresSearch, primary: Database, control: ControlConnection
) -> SearchWithFallback | None:
    if not settings.elasticsearch_url:
        return None
    from harvestd.market.search.elasticsearch.engine import ElasticsearchSearch
    from harvestd.market.search.fallback import SearchWithFallback

    return SearchWithFallback(reactor, ElasticsearchSearch(reactor, settings, now), postgres, primary, control)


def _rabbitmq(reactor: Any, settings: Settings, primary: Database) -> RabbitBroker | None:
    if not settings.rabbitmq_url:
        return None
    from harvestd.queue.rabbitmq.broker import RabbitBroker

    async def again(queues: Sequence[str], after: float) -> None:
        if queues:
            await primary.transaction(lambda tx: outbox.ask_again(tx, queues, after))

    return RabbitBroker(reactor, settings, TOPOLOGY, PostgresTrials(primary), again)


def _issuer(reactor: Any, settings: Settings) -> OidcIssuer | None:
    if not settings.oidc_client_id:
        return None
    from harvestd.partners.oidc import OidcIssuer

    return OidcIssuer(reactor, settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret, now)


def _mailer(reactor: Any, settings: Settings) -> IMailer:
    sender = Sender(settings.mail_from, settings.market_name)
    if settings.smtp_url:
        from harvestd.partners.smtp import SmtpMailer

        return SmtpMailer(reactor, settings.smtp_url, sender, now)
    return FolderMailer(reactor, Path(settings.data_dir) / "mail", sender, now)


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """A fresh UUIDv7."""
    return str(uuid7())

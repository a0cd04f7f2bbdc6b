"""The servers that a market can do without, as far as the settings name them.

The modules of an accelerator are imported only if it is chosen: they and its library take 1 to 3 MB of each process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

from harvestd.assembly.clock import now
from harvestd.interfaces import ILimiter
from harvestd.market.accounts import sign_ins_near
from harvestd.market.accounts.sign_ins import PostgresSignIns, SignInSource
from harvestd.market.days import days_near
from harvestd.market.search import rules_near
from harvestd.market.search.postgres.engine import PostgresSearch
from harvestd.settings.table import Settings
from harvestd.store import redelivery
from harvestd.store.cache import invalidations
from harvestd.store.cache.near import NearCache
from harvestd.store.limiter import MemoryLimiter
from harvestd.store.postgres.control import ControlConnection
from harvestd.store.postgres.database import Database
from harvestd.store.topics import PostgresTopics
from harvestd.store.trials import PostgresTrials
from harvestd.tables import TOPOLOGY

if TYPE_CHECKING:
    from harvestd.market.search.fallback import SearchWithFallback
    from harvestd.partners.oidc import OidcIssuer
    from harvestd.queue.rabbitmq.broker import RabbitBroker
    from harvestd.store.blobs.s3 import S3Blobs
    from harvestd.store.redis.cache import RedisCache
    from harvestd.store.redis.client import RedisClient
    from harvestd.store.redis.topics import RedisTopics

#: The channels for consistency between processes: cache invalidations, the validity of sign-ins, and the rules of searches.
SURE = (invalidations.CHANNEL, sign_ins_near.CHANNEL, rules_near.CHANNEL, days_near.CHANNEL)


@attrs.frozen
class Used:
    """The servers that the market can do without, as far as the settings name them."""

    redis: RedisClient | None
    rabbitmq: RabbitBroker | None
    elasticsearch: SearchWithFallback | None
    issuer: OidcIssuer | None
    s3: S3Blobs | None


def redis(
    reactor: Any, settings: Settings, control: ControlConnection
) -> tuple[RedisClient | None, RedisTopics | PostgresTopics]:
    """The Redis client, if there is one, and the transport of the topics."""
    if not settings.redis_url:
        return None, PostgresTopics(control)
    from harvestd.store.redis.client import RedisClient
    from harvestd.store.redis.topics import RedisTopics

    redis = RedisClient(reactor, settings.redis_url, settings.redis_prefix, settings.redis_timeout)
    return redis, RedisTopics(reactor, redis, control, SURE)


def shared(
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


def elasticsearch(
    reactor: Any,
    settings: Settings,
    postgres: PostgresSearch,
    primary: Database,
    control: ControlConnection,
    market_now: Callable[[], datetime],
) -> SearchWithFallback | None:
    """Elasticsearch, with ``postgres`` in its stead while it is away; None without one. ``market_now`` is the market's time."""
    if not settings.elasticsearch_url:
        return None
    from harvestd.market.search.elasticsearch.engine import ElasticsearchSearch
    from harvestd.market.search.fallback import SearchWithFallback

    return SearchWithFallback(reactor, ElasticsearchSearch(reactor, settings, market_now), postgres, primary, control)


def rabbitmq(reactor: Any, settings: Settings, primary: Database) -> RabbitBroker | None:
    """RabbitMQ's broker, if there is one; what its queues lose is published again."""
    if not settings.rabbitmq_url:
        return None
    from harvestd.queue.rabbitmq.broker import RabbitBroker

    async def again(queues: Sequence[str], after: float) -> None:
        if queues:
            await primary.transaction(lambda tx: redelivery.ask_again(tx, queues, after))

    return RabbitBroker(reactor, settings, TOPOLOGY, PostgresTrials(primary), again)


def issuer(reactor: Any, settings: Settings) -> OidcIssuer | None:
    """The issuer of accounts elsewhere, if there is one."""
    if not settings.oidc_client_id:
        return None
    from harvestd.partners.oidc import OidcIssuer

    return OidcIssuer(reactor, settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret, now)

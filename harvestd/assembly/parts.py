"""The parts of one process, each by the implementation that the settings choose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harvestd.assembly import optional_servers as optional
from harvestd.assembly.clock import new_id, now
from harvestd.assembly.optional_servers import Used
from harvestd.assembly.postgres import Postgres
from harvestd.assembly.postgres import postgres as databases
from harvestd.assembly.services import start, watch
from harvestd.interfaces import IBroker, IMailer
from harvestd.kernel.languages import spoken
from harvestd.market.accounts.keys_near import NearApiKeys
from harvestd.market.accounts.sign_ins import PostgresSignIns
from harvestd.market.accounts.sign_ins_near import NearSignIns
from harvestd.market.catalogue.view_counts import Views
from harvestd.market.days.days_near import NearDays
from harvestd.market.groups.groups_near import NearGroups
from harvestd.market.pricing.pricing_near import NearPricing
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
from harvestd.store.blobs.choosing import store_of
from harvestd.store.cache.near import NearCache
from harvestd.store.limiter import MemoryLimiter
from harvestd.store.market_clock import MarketClock
from harvestd.tables import DUES, LISTENERS, LONG_WORK, TOPOLOGY


def assembled(lifecycle: Lifecycle, settings: Settings, name: str, passing: bool = False) -> tuple[Parts, Relay]:
    """The parts of a process, and the relay; services to start are in the lifecycle's list, each after its
    dependencies. A ``passing`` process leaves nothing in the data folder."""
    reactor, metrics = lifecycle.reactor, Metrics()
    postgres = databases(reactor, settings, metrics, name)
    primary, reads, control = postgres.primary, postgres.reads, postgres.control
    redis, topics = optional.redis(reactor, settings, control)
    clock = MarketClock(primary, control, now, settings.sandbox)
    settle = settings.replica_max_lag if postgres.replicas else 0.0
    secret = token_secret(settings, making=not passing)
    near = NearCache(reactor, topics, settings.cache_size, settings.cache_stale, settle=settle)
    plain = _search(settings, postgres, clock)
    searching = optional.elasticsearch(reactor, settings, plain, primary, control, clock.now)
    cache, source, limiter = optional.shared(
        redis, near, secret, settle, PostgresSignIns(primary, now), MemoryLimiter(reactor.seconds)
    )
    sign_ins = NearSignIns(reactor, topics, source)
    rabbitmq = optional.rabbitmq(reactor, settings, primary)
    broker: IBroker = rabbitmq or PostgresBroker(reactor, settings, TOPOLOGY, primary, control)
    issuer = optional.issuer(reactor, settings) if name == "api" else None
    blobs, s3 = store_of(reactor, settings, metrics.shortages, now)
    relay = Relay(reactor, settings, TOPOLOGY, primary, control, broker, now, secret, metrics)
    parts = Parts(
        settings=settings, reactor=reactor, lifecycle=lifecycle, metrics=metrics, database=primary, reads=reads,
        control=control, topics=topics, cache=cache, limiter=limiter, sign_ins=sign_ins,
        api_keys=NearApiKeys(reactor, topics, primary, sign_ins, now), groups=NearGroups(reactor, topics, primary),
        pricing=NearPricing(reactor, topics, primary),
        search=searching or plain, search_rules=NearRules(reactor, topics, primary, cache), broker=broker, mailer=_mailer(reactor, settings),
        blobs=blobs, pictures=Pictures(reactor), secret=secret, now=clock.now, ahead=clock.ahead, clock=clock, dues=DUES, market_days=NearDays(reactor, topics), new_id=new_id, wake_relay=relay.wake, due=Due(reactor, control),
        topology=TOPOLOGY, listeners=LISTENERS, issuer=issuer, long_work=LONG_WORK,
        search_misses=Misses(reactor, primary, now) if name == "api" else None,
        views=Views(reactor, primary, metrics) if name == "api" else None,
    )  # fmt: skip
    used = Used(redis, rabbitmq, searching, issuer, s3)
    start(parts, postgres, used)
    watch(parts, relay, postgres, used)
    return parts, relay


def _search(settings: Settings, postgres: Postgres, clock: MarketClock) -> PostgresSearch:
    language = settings.search_language
    also = others(spoken(settings.market_languages), language)
    return PostgresSearch(postgres.primary, configuration(language), clock.now, postgres.reads, also)


def _mailer(reactor: Any, settings: Settings) -> IMailer:
    sender = Sender(settings.mail_from, settings.market_name)
    if settings.smtp_url:
        from harvestd.partners.smtp import SmtpMailer

        return SmtpMailer(reactor, settings.smtp_url, sender, now)
    return FolderMailer(reactor, Path(settings.data_dir) / "mail", sender, now)

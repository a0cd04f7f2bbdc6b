"""What is started and stopped with a process, in which order, and what health and metrics ask."""

from __future__ import annotations

from typing import Any

from harvestd.assembly.optional_servers import Used
from harvestd.assembly.postgres import Postgres
from harvestd.market.operations import probes
from harvestd.parts import Parts
from harvestd.queue.relay import Relay


def start(parts: Parts, postgres: Postgres, used: Used) -> None:
    """Have the lifecycle start what needs it, each after its dependencies, and stop it in the reverse order."""
    services: tuple[tuple[str, Any], ...] = (
        ("database", postgres.primary), ("replicas", postgres.reads), ("control connection", postgres.control), ("market clock", parts.clock),
        ("redis", used.redis), ("topics", parts.topics), ("cache", parts.cache), ("sign-ins", parts.sign_ins),
        ("API keys", parts.api_keys), ("groups", parts.groups), ("market days", parts.market_days), ("pricing", parts.pricing), ("search", used.elasticsearch),
        ("S3", used.s3),
        ("rules of searches", parts.search_rules), ("searches without hits", parts.search_misses), ("views", parts.views), ("broker", parts.broker),
    )  # fmt: skip
    for title, service in services:
        if service is not None:
            parts.lifecycle.add(title, service.start, service.stop)


def watch(parts: Parts, relay: Relay, postgres: Postgres, used: Used) -> None:
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

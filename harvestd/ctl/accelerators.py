"""What doctor looks at beside PostgreSQL: what the market can do without, if it is configured. What is no coroutine blocks."""

from __future__ import annotations

import base64
import json
import statistics
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import pika
from pika.exceptions import AMQPError, ChannelClosedByBroker

from harvestd.ctl.examinations import Finding
from harvestd.queue.topology import QUEUES
from harvestd.setting_values import mask_url
from harvestd.settings import Settings
from harvestd.store.redis_link import RedisAway, RedisLink

#: Longest wait for any of them, in seconds.
PATIENCE = 5.0
#: Round trips that are measured.
TRIPS = 9


async def redis(reactor: Any, settings: Settings) -> list[Finding]:
    """Whether it answers in time, and takes writes. As the daemon asks it."""
    if not settings.redis_url:
        return []
    cure = "memory and PostgreSQL do its work meanwhile; start it, or correct redis_url"
    link = RedisLink(reactor, settings.redis_url, settings.redis_prefix, PATIENCE)
    try:
        await link.start()
        about = dict(line.split(":", 1) for line in (await link.call("INFO")).decode().splitlines() if ":" in line)
        trips = []
        for _ in range(TRIPS):
            began = reactor.seconds()
            await link.call("PING")
            trips.append(reactor.seconds() - began)
    except RedisAway as error:
        return [Finding("Redis", False, f"{mask_url(settings.redis_url)}: {error}", cure)]
    finally:
        await link.stop()
    latency = statistics.median(trips)
    words = (
        f"Redis {about['redis_version']} answers in {latency * 1000:.1f} ms, with {about['used_memory_human']} in use"
    )
    slow = f"it has {settings.redis_timeout * 1000:g} ms (redis_timeout) for an answer: put it nearer, or give it more time"
    found = [Finding("Redis", latency < settings.redis_timeout / 2, words, slow)]
    if about.get("maxmemory", "0") != "0" and about.get("maxmemory_policy") == "noeviction":
        words = (
            f"has a maxmemory of {about['maxmemory_human']} and maxmemory-policy noeviction: once full it takes nothing"
        )
        found.append(
            Finding("Redis", False, words, "CONFIG SET maxmemory-policy allkeys-lru, and in its configuration")
        )
    return found


def rabbitmq(settings: Settings) -> Iterator[Finding]:
    """Whether it answers, takes messages, and whether somebody consumes them."""
    if not settings.rabbitmq_url:
        return
    parameters = pika.URLParameters(settings.rabbitmq_url)
    parameters.socket_timeout = parameters.stack_timeout = parameters.blocked_connection_timeout = PATIENCE
    parameters.connection_attempts = 1
    try:
        with closing(pika.BlockingConnection(parameters)) as connection:
            yield from _of_broker(connection)
    except (AMQPError, OSError) as error:
        words = f"{mask_url(settings.rabbitmq_url)}: {_words(error)}"
        cure = "orders go on and the outbox holds their events; start it, or correct user, password and virtual host of rabbitmq_url"
        yield Finding("RabbitMQ", False, words, cure)


def _of_broker(connection: Any) -> Iterator[Finding]:
    blocked: list[Any] = []
    connection.add_on_connection_blocked_callback(lambda *given: blocked.append(given))
    channel = connection.channel()
    # It says that it takes nothing only to those who publish: this one goes nowhere.
    channel.basic_publish("", "harvest.doctor.nobody", b"")
    latency = _median(lambda: connection.channel().close())
    version = str(connection._impl.server_properties.get("version", "of an unknown version"))
    words = f"RabbitMQ {version} answers in {latency * 1000:.1f} ms"
    cure = "free memory or disk there (rabbitmqctl status names the alarm); the outbox holds what is new"
    yield Finding("RabbitMQ", not blocked, words + (", and takes no messages" if blocked else ""), cure)
    for queue in QUEUES:
        ready, consumers = _depth(connection, queue.name)
        if ready is None:
            yield Finding(queue.name, False, "is not declared", "start a daemon with this rabbitmq_url: it declares it")
            continue
        cure = "is a harvest-worker running that consumes it?"
        yield Finding(queue.name, consumers > 0, f"{ready} messages ready, {consumers} consumers", cure)
        dead, _ = _depth(connection, queue.dead)
        yield Finding(
            queue.dead, not dead, f"{dead or 0} dead letters", "harvestctl replay lists them with their causes"
        )


def _depth(connection: Any, queue: str) -> tuple[int | None, int]:
    channel = connection.channel()
    try:
        found = channel.queue_declare(queue, passive=True).method
    except ChannelClosedByBroker:
        return None, 0
    channel.close()
    return found.message_count, found.consumer_count


def elasticsearch(settings: Settings) -> Iterator[Finding]:
    """Whether each node that is named answers, and can be searched and written."""
    for url in filter(None, (part.strip() for part in settings.elasticsearch_url.split(","))):
        try:
            yield from _of_node(url, settings)
        except (OSError, ValueError, KeyError) as error:
            words = f"{mask_url(url)}: {_words(error)}"
            cure = "searches are answered by PostgreSQL meanwhile; start it, or correct elasticsearch_url"
            yield Finding("Elasticsearch", False, words, cure)


def _of_node(url: str, settings: Settings) -> Iterator[Finding]:
    about = _get(url, "/")["version"]
    latency = _median(lambda: _get(url, "/"))
    name = {"opensearch": "OpenSearch"}.get(about.get("distribution", ""), "Elasticsearch")
    health = _get(url, "/_cluster/health")["status"]
    words = f"{name} {about['number']} answers in {latency * 1000:.1f} ms, its cluster is {health}"
    yield Finding(
        "Elasticsearch", health != "red", words, "shards are missing: GET /_cluster/allocation/explain says why"
    )
    found = _get(url, f"/_cat/indices/{settings.elasticsearch_index}-*?format=json")
    words = ", ".join(f"{one['index']} with {one['docs.count']} documents" for one in found) or "there is none"
    yield Finding("search index", bool(found), words, "a running worker makes and fills it; or harvestctl reindex")
    blocks = [
        name for name, index in _get(url, f"/{settings.elasticsearch_index}-*/_settings").items() if _closed(index)
    ]
    cure = "its disk is, or was, nearly full: free some and take the block away (index.blocks.read_only_allow_delete: null)"
    if blocks:
        yield Finding("search index", False, f"{', '.join(blocks)} cannot be written", cure)


def _closed(index: Any) -> bool:
    blocks = index["settings"]["index"].get("blocks", {})
    return "true" in (str(blocks.get(name)) for name in ("read_only", "read_only_allow_delete", "write"))


def _get(url: str, path: str) -> Any:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    bare = urlunsplit(
        (
            parts.scheme,
            f"{host}:{parts.port or 9200}",
            parts.path.rstrip("/") + path.partition("?")[0],
            path.partition("?")[2],
            "",
        )
    )
    request = urllib.request.Request(bare)
    if parts.username:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        request.add_header("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


def _median(trip: Callable[[], object]) -> float:
    def timed() -> float:
        began = time.perf_counter()
        trip()
        return time.perf_counter() - began

    return statistics.median(timed() for _ in range(TRIPS))


def _words(error: BaseException) -> str:
    """Its first line; pika wraps what went wrong in errors that say nothing."""
    while not str(error).strip() and error.args and isinstance(error.args[0], BaseException):
        error = error.args[0]
    cause = getattr(error, "exception", None) or error
    return (str(cause).strip().splitlines() or [repr(cause)])[0]

"""Doctor's checks of Redis and Elasticsearch, if they are configured. Functions that are not coroutines block."""

from __future__ import annotations

import base64
import json
import secrets
import statistics
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from harvestd.ctl.check_result import CheckResult, first_line
from harvestd.ctl.versions import TRIPS, aged, median, within
from harvestd.ctl.words import counted
from harvestd.settings.table import Settings
from harvestd.settings.urls import mask_url
from harvestd.store.redis.client import RedisClient, RedisRefused, RedisUnavailable, Script

#: The timeout for any of them, in seconds.
PATIENCE = 5.0
#: The commands that the daemon's scripts call.
_SCRIPT = Script(
    "redis.call('TIME') redis.call('MGET', KEYS[1]) redis.call('SET', KEYS[1], ARGV[1], 'PX', 10000) "
    "redis.call('PEXPIRE', KEYS[1], 10000) return redis.call('PTTL', KEYS[1])"
)


async def redis(reactor: Any, settings: Settings) -> list[CheckResult]:
    """Check that it answers in time, is new enough, and permits the daemon's commands, through the daemon's own client."""
    if not settings.redis_url:
        return []
    cure = "memory and PostgreSQL do its work meanwhile; start it, or correct redis_url"
    link = RedisClient(reactor, settings.redis_url, settings.redis_prefix, PATIENCE)
    try:
        await link.start()
        about = await _about(link)
        trips = []
        for _ in range(TRIPS):
            began = reactor.seconds()
            await link.call("PING")
            trips.append(reactor.seconds() - began)
        refused = await _refused(link)
    except (RedisUnavailable, RedisRefused) as error:
        if "NOPERM" in str(error):
            cure = _rights(settings)
        return [CheckResult("Redis", False, f"{mask_url(settings.redis_url)}: {error}", cure)]
    finally:
        await link.stop()
    latency, version = statistics.median(trips), about.get("redis_version", "of a version that it does not tell")
    words = f"Redis {version} answers {within(latency)}"
    slow = f"it has {settings.redis_timeout * 1000:g} ms (redis_timeout) for an answer: put it nearer, or give it more time"
    old = aged("Redis", version)
    found = [CheckResult("Redis", not old and latency < settings.redis_timeout / 2, words, old or slow)]
    if refused:
        found.append(CheckResult("Redis", False, refused, _rights(settings)))
    if about.get("maxmemory", "0") != "0" and about.get("maxmemory_policy") == "noeviction":
        words = (
            f"has a maxmemory of {about['maxmemory_human']} and maxmemory-policy noeviction: once full it takes nothing"
        )
        found.append(
            CheckResult("Redis", False, words, "CONFIG SET maxmemory-policy allkeys-lru, and in its configuration")
        )
    return found


async def _about(link: RedisClient) -> dict[str, str]:
    """The server's INFO, which this user may not be permitted to read."""
    try:
        said = (await link.call("INFO")).decode()
    except RedisRefused:
        return {}
    return dict(line.split(":", 1) for line in said.splitlines() if ":" in line)


async def _refused(link: RedisClient) -> str:
    """The first of the daemon's commands that this user may not run, in the server's words; "" if it may run all."""
    key = link.key("doctor")
    try:
        await link.call("SET", key, "1", "PX", 10_000)
        await link.script(_SCRIPT, [key], ["1"])
        await link.call("PUBLISH", link.key("doctor"), "")
        await link.call("DEL", key)
    except (RedisUnavailable, RedisRefused) as error:
        return str(error)
    return ""


def _rights(settings: Settings) -> str:
    user, prefix = urlsplit(settings.redis_url).username or "default", settings.redis_prefix
    return f"ACL SETUSER {user} ~{prefix}* &{prefix}* +@all -@admin -@dangerous +info, and in its configuration"


def elasticsearch(settings: Settings) -> Iterator[CheckResult]:
    """Check that each configured node answers, and can be searched and written to."""
    for url in filter(None, (part.strip() for part in settings.elasticsearch_url.split(","))):
        try:
            yield from _of_node(url, settings)
        except urllib.error.HTTPError as error:
            words, cure = f"{mask_url(url)}: {error}: {_reason(error)}", "give the user of elasticsearch_url that right"
            yield CheckResult("Elasticsearch", False, words, cure)
        except (OSError, ValueError, KeyError) as error:
            words = f"{mask_url(url)}: {first_line(error)}"
            cure = "searches are answered by PostgreSQL meanwhile; start it, or correct elasticsearch_url"
            yield CheckResult("Elasticsearch", False, words, cure)


def _of_node(url: str, settings: Settings) -> Iterator[CheckResult]:
    about = _get(url, "/")["version"]
    latency = median(lambda: _get(url, "/"))
    name = {"opensearch": "OpenSearch"}.get(about.get("distribution", ""), "Elasticsearch")
    health = _get(url, "/_cluster/health")["status"]
    words = f"{name} {about['number']} answers {within(latency)}, its cluster is {health}"
    old = aged(name, str(about["number"]))
    cure = old or "shards are missing: GET /_cluster/allocation/explain says why"
    yield CheckResult("Elasticsearch", health != "red" and not old, words, cure)
    probe = f"/{settings.elasticsearch_index}-doctor-{secrets.token_hex(4)}"
    _get(url, probe, "PUT", {"settings": {"index": {"number_of_shards": 1, "auto_expand_replicas": "0-1"}}})
    _get(url, probe, "DELETE")
    found = _get(url, f"/_cat/indices/{settings.elasticsearch_index}-*?format=json")
    words = (
        ", ".join(f"{one['index']} with {counted(int(one['docs.count'] or 0), 'document')}" for one in found)
        or "there is none"
    )
    yield CheckResult("search index", bool(found), words, "a running worker makes and fills it; or harvestctl reindex")
    blocks = [
        name for name, index in _get(url, f"/{settings.elasticsearch_index}-*/_settings").items() if _closed(index)
    ]
    cure = "its disk is, or was, nearly full: free some and take the block away (index.blocks.read_only_allow_delete: null)"
    if blocks:
        yield CheckResult("search index", False, f"{', '.join(blocks)} cannot be written", cure)


def _closed(index: Any) -> bool:
    blocks = index["settings"]["index"].get("blocks", {})
    return "true" in (str(blocks.get(name)) for name in ("read_only", "read_only_allow_delete", "write"))


def _reason(error: urllib.error.HTTPError) -> str:
    """The reason in the server's JSON answer, or a placeholder."""
    try:
        return str(json.load(error)["error"]["reason"])[:200]
    except (ValueError, KeyError, TypeError, OSError):
        return "it says no more"


def _get(url: str, path: str, method: str = "GET", body: Any = None) -> Any:
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
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(bare, data, {"Content-Type": "application/json"}, method=method)
    if parts.username:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        request.add_header("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)

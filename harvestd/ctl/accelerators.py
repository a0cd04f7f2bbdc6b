"""Doctor's checks of Redis and Elasticsearch, if they are configured, through the daemon's own clients."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

from harvestd.ctl.check_result import CheckResult
from harvestd.ctl.versions import aged, latency, within
from harvestd.ctl.words import counted
from harvestd.settings.table import Settings
from harvestd.settings.urls import mask_url
from harvestd.store.elasticsearch.client import ElasticsearchClient, EngineError
from harvestd.store.redis.client import RedisClient, RedisRefused, RedisUnavailable, Script

#: The timeout for any of them, in seconds.
PATIENCE = 5.0
#: The commands that the daemon's scripts call.
_SCRIPT = Script(
    "redis.call('TIME') redis.call('MGET', KEYS[1]) redis.call('SET', KEYS[1], ARGV[1], 'PX', 10000) "
    "redis.call('PEXPIRE', KEYS[1], 10000) return redis.call('PTTL', KEYS[1])"
)


async def redis(reactor: Any, settings: Settings) -> AsyncIterator[CheckResult]:
    """Check that it answers in time, is new enough, and permits the daemon's commands, through the daemon's own client."""
    if not settings.redis_url:
        return
    cure = "memory and PostgreSQL do its work meanwhile; start it, or correct redis_url"
    link = RedisClient(reactor, settings.redis_url, settings.redis_prefix, PATIENCE)
    try:
        await link.start()
        about = await _about(link)
        took = await latency(reactor, lambda: link.call("PING"))
        refused = await _refused(link)
    except (RedisUnavailable, RedisRefused) as error:
        if "NOPERM" in str(error):
            cure = _rights(settings)
        elif re.search("NOAUTH|WRONGPASS|AUTH|DB index", str(error)):
            cure = "correct the user, the password or the number of the database in redis_url"
        yield CheckResult("Redis", False, f"{mask_url(settings.redis_url)}: {error}", cure)
        return
    finally:
        await link.stop()
    version = about.get("redis_version", "of a version that it does not tell")
    words = f"Redis {version} answers {within(took)}"
    slow = f"it has {settings.redis_timeout * 1000:g} ms (redis_timeout) for an answer: put it nearer, or give it more time"
    old = aged("Redis", version)
    yield CheckResult("Redis", not old and took < settings.redis_timeout / 2, words, old or slow)
    if refused:
        yield CheckResult("Redis", False, refused, _rights(settings))
    if about.get("maxmemory", "0") != "0" and about.get("maxmemory_policy") == "noeviction":
        words = (
            f"has a maxmemory of {about['maxmemory_human']} and maxmemory-policy noeviction: once full it takes nothing"
        )
        yield CheckResult("Redis", False, words, "CONFIG SET maxmemory-policy allkeys-lru, and in its configuration")


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


async def elasticsearch(reactor: Any, settings: Settings) -> AsyncIterator[CheckResult]:
    """Check that each configured node answers, and can be searched and written to, with the daemon's client."""
    for url in filter(None, (part.strip() for part in settings.elasticsearch_url.split(","))):
        client = ElasticsearchClient(reactor, url)
        try:
            async for result in _of_node(reactor, client, settings.elasticsearch_index):
                yield result
        except EngineError as error:
            cure = "searches are answered by PostgreSQL meanwhile; start it, or correct elasticsearch_url"
            if error.status in (401, 403):
                cure = "give the user of elasticsearch_url that right, or correct the password"
            yield CheckResult("Elasticsearch", False, f"{mask_url(url)}: {error.detail}", cure)
        except (KeyError, TypeError, ValueError, AttributeError):
            words = f"{mask_url(url)}: answers as neither Elasticsearch nor OpenSearch does"
            yield CheckResult("Elasticsearch", False, words, "correct elasticsearch_url")
        finally:
            await client.close()


async def _of_node(reactor: Any, client: ElasticsearchClient, index: str) -> AsyncIterator[CheckResult]:
    about = (await client.call("GET", "/", None, PATIENCE))["version"]
    took = await latency(reactor, lambda: client.call("GET", "/", None, PATIENCE))
    name = {"opensearch": "OpenSearch"}.get(about.get("distribution", ""), "Elasticsearch")
    health = (await client.call("GET", "/_cluster/health", None, PATIENCE))["status"]
    words = f"{name} {about['number']} answers {within(took)}, its cluster is {health}"
    old = aged(name, str(about["number"]))
    cure = old or "shards are missing: GET /_cluster/allocation/explain says why"
    yield CheckResult("Elasticsearch", health != "red" and not old, words, cure)
    probe = f"/{index}-doctor-{secrets.token_hex(4)}"
    made = {"settings": {"index": {"number_of_shards": 1, "auto_expand_replicas": "0-1"}}}
    await client.call("PUT", probe, made, PATIENCE)
    await client.call("DELETE", probe, None, PATIENCE)
    found = await client.call("GET", f"/_cat/indices/{index}-*?format=json", None, PATIENCE)
    listed = [f"{one['index']} with {counted(int(one['docs.count'] or 0), 'document')}" for one in found]
    cure = "a running worker makes and fills it; or harvestctl reindex"
    yield CheckResult("search index", bool(found), ", ".join(listed) or "there is none", cure)
    given = await client.call("GET", f"/{index}-*/_settings", None, PATIENCE)
    blocked = [name for name, one in given.items() if _closed(one)]
    cure = "its disk is, or was, nearly full: free some and take the block away (index.blocks.read_only_allow_delete: null)"
    if blocked:
        yield CheckResult("search index", False, f"{', '.join(blocked)} cannot be written", cure)


def _closed(index: Any) -> bool:
    blocks = index["settings"]["index"].get("blocks", {})
    return "true" in (str(blocks.get(name)) for name in ("read_only", "read_only_allow_delete", "write"))

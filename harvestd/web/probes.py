"""The probes of what every process has: the database, the disk, the near cache."""

from __future__ import annotations

import shutil

from harvestd.health import Condition, Health, Probe
from harvestd.parts import Parts
from harvestd.store.database import Statement, scalar

PING = Statement("health_ping", "select 1", scalar)
#: Less free space than this is worth a word.
LOW = 256 * 1024 * 1024


def add_standard(health: Health, parts: Parts) -> None:
    """Add what is the same in every process."""
    health.add("database", _database(parts))
    health.add("cache", _cache(parts))
    health.add("disk", _disk(parts))


def _database(parts: Parts) -> Probe:
    async def probe() -> Condition:
        await parts.database.row(PING)
        state = parts.database.pool.state()
        return Condition("ok", f"{state['open']} connections, {state['active']} busy, {state['waiting']} waiting")

    return probe


def _cache(parts: Parts) -> Probe:
    async def probe() -> Condition:
        state = parts.cache.state()
        return Condition("ok", f"{state.size} answers, {state.bytes} bytes")

    return probe


def _disk(parts: Parts) -> Probe:
    async def probe() -> Condition:
        free = shutil.disk_usage(parts.settings.data_dir).free
        return Condition("ok" if free > LOW else "degraded", f"{free // 2**20} MiB free")

    return probe

"""Readiness probes of a web process, in addition to those of every process (``harvestd/market/operations/probes.py``)."""

from __future__ import annotations

import shutil

from harvestd.parts import Parts
from harvestd.runtime.health import Condition
from harvestd.store.postgres import migrations

#: Free disk space in bytes below which the disk counts as degraded.
LOW = 256 * 1024 * 1024


def add(parts: Parts) -> None:
    """Add probes for the schema, the broker, the near cache and the disk."""
    needed = migrations.known()[-1].number

    async def schema() -> Condition:
        applied = await parts.database.row(migrations.APPLIED) or 0
        if applied == needed:
            return Condition("ok", f"migration {applied}")
        cure = "run harvestctl migrate" if applied < needed else "update harvestd"
        return Condition("degraded", f"migration {applied} is applied, this version knows {needed}: {cure}")

    async def broker() -> Condition:
        states = await parts.broker.states()
        ready, dead = sum(state.ready for state in states), sum(state.dead for state in states)
        return Condition("ok", f"{ready} messages wait, {dead} are dead letters")

    async def cache() -> Condition:
        state = parts.cache.state()
        return Condition("ok", f"{state.size} answers, {state.bytes} bytes")

    async def disk() -> Condition:
        free = shutil.disk_usage(parts.settings.data_dir).free
        return Condition("ok" if free > LOW else "degraded", f"{free // 2**20} MiB free")

    for name, probe in (("migrations", schema), ("broker", broker), ("cache", cache), ("disk", disk)):
        parts.health.add(name, probe)

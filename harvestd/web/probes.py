"""What readiness asks in a process that serves the web, beside what ``harvestd/market/operations/probes.py`` asks in every one."""

from __future__ import annotations

import shutil

from harvestd.parts import Parts
from harvestd.runtime.health import Condition
from harvestd.store.postgres import migrations

#: Less free space than this, in bytes, is worth a word.
LOW = 256 * 1024 * 1024


def add(parts: Parts) -> None:
    """The schema, the broker, the near cache and the disk."""
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

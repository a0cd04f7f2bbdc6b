"""Which of the engine's indices are trusted, and when one is rebuilt.

An index is queried while it was fully built from PostgreSQL's documents and no fault was found in it, since anyone who can write to
the engine can change its contents. A faulty index is rebuilt; repeated corruption makes the workers back off longer each time,
while PostgreSQL answers.
"""

from __future__ import annotations

import msgspec

from harvestd.store.postgres.database import Database
from harvestd.store.postgres.statements import Reader, Statement, nothing, scalar
from harvestd.store.postgres.transactions import Transaction

#: This many builds of a series run without a pause; then the backoff doubles, from ``PAUSE`` to ``MAX_PAUSE`` seconds.
AT_ONCE, PAUSE, MAX_PAUSE = 3, 30.0, 3600.0
#: Seconds without a build after which a new series begins.
FORGOTTEN = 86_400.0


class Builds(msgspec.Struct, frozen=True):
    """The number of builds in the series, the seconds since the last, and the fault of its index, if any."""

    times: int = 0
    ago: float = FORGOTTEN
    fault: str = ""

    @property
    def wait(self) -> float:
        """Seconds until the next build may begin; now if 0 or less."""
        return pause(self.times) - self.ago


def pause(times: int) -> float:
    """The backoff in seconds after the ``times``-th build of a series."""
    return 0.0 if times < AT_ONCE else min(MAX_PAUSE, PAUSE * 2.0 ** min(times - AT_ONCE, 30))


_WHOLE = Statement(
    "search_builds.whole", "select exists (select from search_engines where alias = :alias and uuid = :uuid)", scalar
)
_BUILT = Statement(
    "search_builds.built",
    "insert into search_engines (alias, uuid) values (:alias, :uuid) on conflict do nothing",
    nothing,
)
_GONE = Statement("search_builds.gone", "delete from search_engines where alias = :alias and uuid <> :uuid", nothing)
_COUNT = Statement(
    "search_builds.count",
    """insert into search_builds as b (alias, times, built_at) values (:alias, 1, clock_timestamp())
       on conflict (alias) do update
          set times = case when b.built_at > clock_timestamp() - :forgotten * interval '1 second' then b.times + 1 else 1 end,
              built_at = excluded.built_at, fault = null""",
    nothing,
)
_LATELY = Statement(
    "search_builds.lately",
    """select times, coalesce(extract(epoch from clock_timestamp() - built_at), :forgotten)::float8, coalesce(fault, '')
         from search_builds where alias = :alias""",
    Builds,
)
_ACCUSE = Statement(
    "search_builds.accuse",
    """with believed as (delete from search_engines where alias = :alias and uuid = :uuid returning alias)
       insert into search_builds (alias, fault) select alias, :why from believed
       on conflict (alias) do update set fault = excluded.fault returning true""",
    scalar,
)
_FORGET = (
    Statement("search_builds.forget", "delete from search_builds", nothing),
    Statement("search_builds.forget_engines", "delete from search_engines", nothing),
)


async def whole(reader: Reader, alias: str, uuid: str) -> bool:
    """Whether the index with this uuid was fully built and has no known fault."""
    return bool(await reader.row(_WHOLE, alias=alias, uuid=uuid))


async def lately(reader: Reader, alias: str) -> Builds:
    """The series of recent builds."""
    return await reader.row(_LATELY, alias=alias, forgotten=FORGOTTEN) or Builds()


async def built(tx: Transaction, alias: str, uuid: str) -> None:
    """Record that the index is fully built; called before searches use it."""
    await tx.run(_BUILT, alias=alias, uuid=uuid)


async def done(tx: Transaction, alias: str, uuid: str) -> None:
    """Record that searches use the index: no other one is trusted any more."""
    await tx.run(_GONE, alias=alias, uuid=uuid)
    await tx.run(_COUNT, alias=alias, forgotten=FORGOTTEN)


async def none(tx: Transaction, alias: str) -> None:
    """Distrust every index."""
    await tx.run(_GONE, alias=alias, uuid="")


async def accuse(database: Database, alias: str, uuid: str, why: str) -> bool:
    """Distrust the index; False if it was not trusted anyway."""
    return bool(await database.transaction(lambda tx: tx.row(_ACCUSE, alias=alias, uuid=uuid, why=why)))


async def forget(tx: Transaction) -> None:
    """Forget every build, as no engine is configured any more: one that comes back is rebuilt."""
    for statement in _FORGET:
        await tx.run(statement)

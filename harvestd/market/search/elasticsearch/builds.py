"""Which of the engine's indices are believed, and when another is built.

An index is asked while it is one that was built whole from PostgreSQL's documents and nobody found a fault in it: anybody who
can write to the engine can change what is in it. One with a fault is built anew; whoever spoils it again and again makes
the workers wait longer each time, while PostgreSQL answers.
"""

from __future__ import annotations

import attrs

from harvestd.store.postgres.database import Database, Reader, Statement, Transaction, nothing, scalar

#: So many in a row are built at once; then the pause doubles, from ``PAUSE`` to ``MAX_PAUSE`` seconds.
AT_ONCE, PAUSE, MAX_PAUSE = 3, 30.0, 3600.0
#: Seconds after which a build is none in a row any more.
FORGOTTEN = 86_400.0


@attrs.frozen
class Builds:
    """How many there were in a row, the seconds since the last, and what is wrong with what it made, if anything is."""

    times: int = 0
    ago: float = FORGOTTEN
    fault: str = ""

    @property
    def wait(self) -> float:
        """Seconds until the next may begin; 0 and less: now."""
        return pause(self.times) - self.ago


def pause(times: int) -> float:
    """Seconds between the ``times``-th build in a row and the next."""
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
    """Whether the index of this uuid was built whole, and has no fault that is known."""
    return bool(await reader.row(_WHOLE, alias=alias, uuid=uuid))


async def lately(reader: Reader, alias: str) -> Builds:
    """The builds before now."""
    return await reader.row(_LATELY, alias=alias, forgotten=FORGOTTEN) or Builds()


async def built(tx: Transaction, alias: str, uuid: str) -> None:
    """It is whole now; before searches go to it."""
    await tx.run(_BUILT, alias=alias, uuid=uuid)


async def done(tx: Transaction, alias: str, uuid: str) -> None:
    """Searches go to it: no other index is whole any more."""
    await tx.run(_GONE, alias=alias, uuid=uuid)
    await tx.run(_COUNT, alias=alias, forgotten=FORGOTTEN)


async def none(tx: Transaction, alias: str) -> None:
    """No index is whole any more."""
    await tx.run(_GONE, alias=alias, uuid="")


async def accuse(database: Database, alias: str, uuid: str, why: str) -> bool:
    """The index is not believed any more; False where it was not believed anyhow."""
    return bool(await database.transaction(lambda tx: tx.row(_ACCUSE, alias=alias, uuid=uuid, why=why)))


async def forget(tx: Transaction) -> None:
    """There is no engine any more: if one comes back, it is built anew."""
    for statement in _FORGET:
        await tx.run(statement)

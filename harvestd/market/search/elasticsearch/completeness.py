"""Whether the engine may be queried: its index is fully built, of this language and version, and lacks no document for long."""

from __future__ import annotations

from harvestd.market.search.elasticsearch import builds as search_builds
from harvestd.market.search.elasticsearch.engine import ElasticsearchSearch
from harvestd.market.search.postgres import pending as search_pending
from harvestd.store.elasticsearch.client import EngineError
from harvestd.store.postgres.statements import Reader

#: Seconds that the engine may lag behind PostgreSQL's documents before it is no longer queried.
BEHIND = 3.0


class NotWhole(EngineError):
    """The engine works, but its index is incomplete or out of date."""


async def check(engine: ElasticsearchSearch, reader: Reader) -> None:
    """Raises :class:`NotWhole`, or another :class:`EngineError` if the engine does not answer."""
    state = await engine.indices.state()
    if state is None:
        raise NotWhole("it has no index yet: the workers build it")
    if not await search_builds.whole(reader, engine.names.alias, state.uuid):
        raise NotWhole(await _why_not(reader, engine.names.alias))
    if not state.current:
        raise NotWhole("its index is of another language or version: the workers build it anew")
    pending = await search_pending.state(reader)
    if pending.oldest > BEHIND:
        raise NotWhole(f"it lacks {pending.count} documents, the oldest for {pending.oldest:.0f} s")


async def _why_not(reader: Reader, alias: str) -> str:
    """Why the index is not fully built: it has a fault, or is not the one that was built."""
    builds = await search_builds.lately(reader, alias)
    fault = builds.fault or "its index was not built from this market"
    when = f" in {builds.wait:.0f} s, since that was done {builds.times} times" if builds.wait > 0 else ""
    return f"{fault}: the workers build it anew{when}"

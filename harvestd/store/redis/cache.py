"""The second level of the cache: complete responses in Redis, shared by all processes, behind each one's near cache.

Validity (``shared_responses.py``). Each family has a token, ``family:<name>``, and all of them together have one, the
epoch. A read fetches the tokens and the response in one round trip, and creates missing tokens. A response is stored
with the tokens that were read before its load began, if they are unchanged, and is valid for as long as they are.
Dropping a family deletes its token. So a response loaded before a drop is never stored or served after it, however
long the load took and in any process; a token that Redis evicts, forgets or loses costs loads, nothing else.

A drop that does not reach Redis (``family_tokens.py``). This process stops using Redis until it has made up for it:
the circuit breaker opens, and closes only after the deletion. The others are told, and any of them that reaches Redis
deletes in its stead. And the queue ``harvest.cache`` delivers every drop a second time, in another process. Only if
all of these fail (both processes die, cut off from a Redis that others still read) does a stale response stay until
its TTL ends.

A Redis that comes back with old data (restarted from an old file, or a promoted replica). The epoch is named after the
run of the server, so data of another run is invalid.

Unauthorized writes to Redis. Responses are sealed (``store/cache/seals.py``), so none can be forged. A response stored
once can be replayed after a drop, with its old tokens; but every process knows the drops that it heard of, and when
(``heard.py``), and rejects responses whose load began before those. It also rejects all from before it began to listen.

Replication lag. A response loaded within ``settle`` seconds of a token's creation lives only until then. Redis's clock
decides, so skew between the processes' clocks does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import attrs
from zope.interface import implementer

from harvestd.interfaces import CacheState, Entry, ICache
from harvestd.runtime.lifecycle import shield
from harvestd.store.cache.entries import ABSENT, EXPIRED_LIMIT, Load, Loaded, Outdated, loaded, never
from harvestd.store.cache.invalidations import family_name
from harvestd.store.cache.near import NearCache
from harvestd.store.heard import Heard
from harvestd.store.redis.client import RedisClient
from harvestd.store.redis.family_tokens import FamilyTokens
from harvestd.store.redis.shared_responses import SharedResponses


@implementer(ICache)
class RedisCache:
    """``near`` is the near cache, started and stopped with this; ``secret`` the market's; ``settle`` the allowed
    replication lag in seconds. ``link`` is started before it."""

    def __init__(self, near: NearCache, link: RedisClient, secret: str, *, settle: float = 0.0) -> None:
        self._near = near
        self._settle = settle
        self._hits = self._misses = 0
        heard = Heard()
        self._tokens = FamilyTokens(link)
        self._responses = SharedResponses(link, self._tokens, secret, heard)
        near.bus.on_missed(self._make_up)
        near.on_drop(lambda families: heard.note(map(family_name, families)))

    def start(self) -> None:
        """Start receiving other processes' drops."""
        self._near.start()

    def stop(self) -> None:
        """Stop receiving them."""
        self._near.stop()

    def peek(self, key: str) -> Entry | None:
        """A fresh entry of this process, or None."""
        return self._near.peek(key)

    def last(self, key: str) -> Entry | None:
        """The entry that this process has, fresh or not."""
        return self._near.last(key)

    def grown(self, key: str, entry: Entry, size: int) -> None:
        """Count a variant's bytes; Redis has none."""
        self._near.grown(key, entry, size)

    async def fetch(
        self, key: str, families: Sequence[str], load: Load, ttl: float, instead: Sequence[str] = (),
        outdated: Outdated = never,
    ) -> Entry:  # fmt: skip
        """The entry: from this process, from Redis, or newly loaded. Redis adds its timeout at most."""
        through = partial(self._through, key, (*families, *instead), load, ttl)
        return await self._near.fetch_for(key, families, through, instead, outdated)

    async def _through(self, key: str, families: Sequence[str], load: Load, ttl: float, direct: bool) -> Loaded:
        """Newly loaded; or, unless ``direct``, as found in Redis."""
        found = await self._responses.find(key, families)
        if found is not None and found.entry is not None and not direct:
            self._hits += 1
            # near its expiry it may come from a lagging replica
            after = EXPIRED_LIMIT if found.left > self._settle else 0.0
            return Loaded(found.entry, min(ttl, found.left), after, found.made)
        entry = await load()
        if found is None or entry.status == ABSENT:  # each process keeps its own: invented addresses fill no Redis
            return loaded(entry, ttl)
        self._misses += 1
        unsettled = self._settle - found.age
        fresh = Loaded(entry, min(ttl, unsettled), 0.0) if unsettled > 0 else Loaded(entry, ttl)
        shield(self._responses.store(found, fresh))
        return fresh

    # --- dropping ---

    async def drop(self, families: Sequence[str]) -> None:
        """Drop here at once, then in Redis, then in every other process, so that none finds there an entry just
        dropped; an empty sequence drops everything. An unavailable Redis delays it by one timeout at most."""
        self._near.drop_here(families)
        reached = await shield(self._tokens.delete(families))
        await self._near.bus.tell(families, missed=not reached)

    def drop_here(self, families: Sequence[str]) -> None:
        """Drop in this process, and in Redis, where this process would find it again. The command is sent before this
        returns, and commands are executed in order, so all later fetches are from after the drop."""
        self._near.drop_here(families)
        self._make_up(families)

    def _make_up(self, families: Sequence[str]) -> None:
        shield(self._tokens.delete(families))

    def state(self) -> CacheState:
        """Counters for the metrics."""
        return attrs.evolve(self._near.state(), shared_hits=self._hits, shared_misses=self._misses)

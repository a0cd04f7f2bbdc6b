"""The second level of the cache: complete responses in Redis, shared by all processes, behind each one's near cache.

Validity. Each family has a token, ``family:<name>``, and all of them together have one, the epoch. A read fetches the
tokens and the response in one round trip, and creates missing tokens. A response is stored with the tokens that were
read before its load began, if they are unchanged, and is valid for as long as they are. Dropping a family deletes its
token. So a response loaded before a drop is never stored or served after it, however long the load took and in any
process; a token that Redis evicts, forgets or loses costs loads, nothing else.

A drop that does not reach Redis. This process stops using Redis until it has made up for it: the circuit breaker opens,
and closes only after the deletion. The others are told, and any of them that reaches Redis deletes in its stead. And
the queue ``harvest.cache`` delivers every drop a second time, in another process. Only if all of these fail (both
processes die, cut off from a Redis that others still read) does a stale response stay until its TTL ends.

A Redis that comes back with old data (restarted from an old file, or a promoted replica). The epoch is named after the
run of the server, so data of another run is invalid.

Unauthorized writes to Redis. Responses are sealed (``store/cache/seals.py``), so none can be forged. A response stored
once can be replayed after a drop, with its old tokens; but every process knows the drops that it heard of, and when
(``heard.py``), and rejects responses whose load began before those. It also rejects all from before it began to listen.

Replication lag. A response loaded within ``settle`` seconds of a token's creation lives only until then. Redis's clock
decides, so skew between the processes' clocks does not matter.
"""

from __future__ import annotations

import hashlib
import random
import secrets
from collections.abc import Sequence
from functools import partial

import attrs
from zope.interface import implementer

from harvestd.interfaces import CacheState, Entry, ICache
from harvestd.runtime.lifecycle import shield
from harvestd.store.cache.entries import ABSENT, EXPIRED_LIMIT, Load, Loaded, Outdated, loaded, never
from harvestd.store.cache.invalidations import family_name
from harvestd.store.cache.near import JITTER, NearCache
from harvestd.store.cache.seals import Sealed, Seals
from harvestd.store.heard import Heard
from harvestd.store.redis import replies as redis_replies
from harvestd.store.redis.client import Call, RedisClient, RedisUnavailable, Script

#: The storage format's version; responses in another format are ignored.
FORM = "3"
#: Maximum bytes of a shared response, and families of one.
LARGEST, MOST_FAMILIES = 1_000_000, 50
#: TTL in milliseconds of a token that no response depends on: longer than any load.
TOKEN_LIFE = 60_000
#: Limit of dropped families remembered while Redis is away; beyond it, everything counts as dropped.
REMEMBERED = 1_000

#: KEYS: response, tokens. ARGV: format, suffix of new tokens, their TTL. Returns the stored response or false, its TTL
#: in ms, the time in microseconds, the tokens. A token is its creation time and something random; anything else is
#: replaced.
READ = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local form = '^' .. string.rep('%d', 13) .. string.rep('[0-9a-f]', 16) .. '$'
local tokens = redis.call('MGET', unpack(KEYS, 2))
for i, token in ipairs(tokens) do
  if not token or not string.match(token, form) then
    tokens[i] = string.format('%013.0f', math.floor(now / 1000)) .. ARGV[2]
    redis.call('SET', KEYS[i + 1], tokens[i], 'PX', ARGV[3])
  end
end
local held, head = redis.pcall('GET', KEYS[1]), ARGV[1] .. table.concat(tokens)
if type(held) ~= 'string' or string.sub(held, 1, #head) ~= head then return {false, 0, now, unpack(tokens)} end
return {string.sub(held, #head + 1), redis.call('PTTL', KEYS[1]), now, unpack(tokens)}
""")

#: KEYS as above. ARGV: format, response, TTL, the expected tokens. Tokens live as long as their dependents.
STORE = Script("""
local tokens = redis.call('MGET', unpack(KEYS, 2))
for i, token in ipairs(tokens) do
  if token ~= ARGV[i + 3] then return 0 end
end
for i = 2, #KEYS do
  if redis.call('PTTL', KEYS[i]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[i], ARGV[3]) end
end
redis.call('SET', KEYS[1], ARGV[1] .. table.concat(tokens) .. ARGV[2], 'PX', ARGV[3])
return 1
""")


@attrs.frozen
class _Found:
    """Redis's reply at ``now`` (in its microseconds): the current tokens, ``age`` seconds since the youngest was
    created, and the response, if it has a credible one, for ``left`` seconds more; it was ``made`` so many seconds
    ago."""

    name: str
    keys: list[str]
    tokens: list[bytes]
    now: int
    age: float
    entry: Entry | None
    left: float
    made: float = 0.0


@implementer(ICache)
class RedisCache:
    """``near`` is the near cache, started and stopped with this; ``secret`` the market's; ``settle`` the allowed
    replication lag in seconds. ``link`` is started before it."""

    def __init__(self, near: NearCache, link: RedisClient, secret: str, *, settle: float = 0.0) -> None:
        self._near = near
        self._link = link
        self._seals = Seals(secret)
        self._settle = settle
        self._heard = Heard()
        self._hits = self._misses = 0
        #: Families whose drop did not reach Redis; None stands for everything.
        self._missed: set[str | None] = set()
        near.on_missed(self._make_up)
        near.on_drop(lambda families: self._heard.note(map(family_name, families)))
        link.on_return(self._returned)

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
        found = await self._find(key, families)
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
        shield(self._store(found, fresh))
        return fresh

    async def _find(self, key: str, families: Sequence[str]) -> _Found | None:
        """None where Redis is not to be used."""
        if not self._usable() or len(families) > MOST_FAMILIES:
            return None
        names = [family_name(name) for name in families]
        name = f"{names[0] if names else 'answers'}:{_digest(key)}"
        keys = [self._link.key(name), self._epoch, *map(self._token, names)]
        asked = self._heard.seconds()
        try:
            reply = await self._link.script(READ, keys, [FORM, secrets.token_hex(8), TOKEN_LIFE])
        except RedisUnavailable:
            return None
        given = redis_replies.answer(reply, len(keys) - 1)
        if given is None or self._missed or not self._link.available:
            return None  # malformed; or an earlier drop was refused meanwhile
        sealed = self._seals.opened(key, given.tokens, given.held) if given.held is not None else None
        age = given.now / 1e6 - given.youngest / 1000
        if sealed is None or not self._believed(sealed, names, asked, given.now):
            return _Found(key, keys, given.tokens, given.now, age, None, 0.0)
        left = min(given.left / 1000, (sealed.until - given.now) / 1e6)
        return _Found(key, keys, given.tokens, given.now, age, sealed.entry, left, (given.now - sealed.began) / 1e6)

    def _believed(self, sealed: Sealed, names: Sequence[str], asked: float, now: int) -> bool:
        """Whether it is unexpired, and no drop of a dependency was heard since its load began. Its age is by Redis's
        clock, which writing to Redis cannot set, and counts from the time of asking Redis."""
        began = asked - (now - sealed.began) / 1e6
        depends = (*names, *map(family_name, sealed.entry.families))
        return sealed.began <= now < sealed.until and self._heard.believes(depends, began)

    async def _store(self, found: _Found, loaded: Loaded) -> None:
        """Share the loaded entry, if nothing that it depends on was dropped since ``found``."""
        life = int(1000 * loaded.ttl * (1.0 - JITTER * random.random()))
        if len(loaded.entry.body) > LARGEST or life <= 0 or not self._usable():
            return
        sealed = self._seals.sealed(found.name, found.tokens, Sealed(loaded.entry, found.now, found.now + 1000 * life))
        try:
            await self._link.script(STORE, found.keys, [FORM, sealed, life, *found.tokens])
        except RedisUnavailable:
            pass  # it will be loaded again

    # --- dropping ---

    async def drop(self, families: Sequence[str]) -> None:
        """Drop here at once, then in Redis, then in every other process, so that none finds there an entry just
        dropped; an empty sequence drops everything. An unavailable Redis delays it by one timeout at most."""
        self._near.drop_here(families)
        reached = await shield(self._drop_shared(families))
        await self._near.tell(families, missed=not reached)

    def drop_here(self, families: Sequence[str]) -> None:
        """Drop in this process, and in Redis, where this process would find it again. The command is sent before this
        returns, and commands are executed in order, so all later fetches are from after the drop."""
        self._near.drop_here(families)
        self._make_up(families)

    def _make_up(self, families: Sequence[str]) -> None:
        shield(self._drop_shared(families))

    async def _drop_shared(self, families: Sequence[str]) -> bool:
        """Whether it reached Redis; if not, it is remembered, and Redis is not used until that is made up for."""
        names: set[str | None] = {family_name(name) for name in families} or {None}
        try:
            await self._link.call("DEL", *self._tokens(names))
        except RedisUnavailable as error:
            self._remember(names)
            if self._link.available:
                self._link.breaker.open(f"what became stale could not be dropped: {error}")
            return False
        return True

    def _remember(self, names: set[str | None]) -> None:
        self._missed |= names
        if len(self._missed) > REMEMBERED:
            self._missed = {None}

    async def _returned(self, call: Call) -> None:
        """Make up for missed drops, before Redis is used again."""
        missed, self._missed = self._missed, set()
        if not self._link.run_id:  # whether this is another run is unknown
            missed.add(None)
        if missed:
            try:
                await call("DEL", *self._tokens(missed))
            except BaseException:
                self._remember(missed)
                raise

    def _usable(self) -> bool:
        if self._missed and self._link.available:  # missed during the catch-up after a reconnect
            self._link.breaker.open("what became stale could not be dropped")
        return self._link.available

    # --- names ---

    @property
    def _epoch(self) -> str:
        return self._link.key(f"cache:epoch:{self._link.run_id}")

    def _token(self, family: str) -> str:
        return self._link.key(f"family:{family}")

    def _tokens(self, names: set[str | None]) -> list[str]:
        return [self._epoch] if None in names else [self._token(name) for name in names if name is not None]

    def state(self) -> CacheState:
        """Counters for the metrics."""
        return attrs.evolve(self._near.state(), shared_hits=self._hits, shared_misses=self._misses)


def _digest(key: str) -> str:
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

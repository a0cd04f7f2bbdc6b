"""The second level of the cache: finished answers in Redis, shared by all processes, behind the near cache of each.

What makes an answer count. Each family has a token, ``family:<name>``, and all of them together have one, the epoch. A
read fetches the tokens and the answer in one round trip, and makes the tokens that are missing. An answer is stored with
the tokens that were read before its load began, if they still stand, and counts for as long as they do. To drop a family
is to delete its token. So what was loaded before a drop is never stored after it or served after it, however long it took
and wherever; a token that Redis evicts, forgets or loses costs loads, nothing else.

What if a drop does not reach Redis. This process uses Redis no more until it has made up for it: the breaker opens, and
closes only after the deletion. The others are told, and whoever of them reaches Redis deletes in its stead. And the queue
``harvest.cache`` brings every drop a second time, in another process. Only if all of these fail (both processes die, cut off
from a Redis that others still read) does an answer stay until its time to live ends.

What if Redis was away, and comes back with what it had long ago (restarted from an old file, a replica that took over).
The epoch is named after the run of the server, so that what another run knew is worth nothing.

What if somebody writes to Redis who should not. Answers are sealed (``store/cache/seals.py``), so none can be made up. One that was
stored once can be put back after a drop, with the tokens as they were; but every process knows what it heard to be dropped, and
when (``heard.py``), and of an answer that began to be loaded before that it believes nothing. Nor does it of those from before
it began to hear.

Replicas of PostgreSQL lag: what was loaded within ``settle`` seconds of the making of a token lives only until then.
Redis's clock tells, so it does not matter whether those of the processes agree.
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
from harvestd.store.cache.entries import EXPIRED_LIMIT, Load, Loaded, Outdated, never
from harvestd.store.cache.invalidations import family_name
from harvestd.store.cache.near import JITTER, NearCache
from harvestd.store.cache.seals import Sealed, Seals
from harvestd.store.heard import Heard
from harvestd.store.redis import replies as redis_replies
from harvestd.store.redis.client import Call, RedisClient, RedisUnavailable, Script

#: The form in which answers lie in Redis; those of another form count for nothing.
FORM = "3"
#: Bytes of an answer that is worth sharing, and families of one.
LARGEST, MOST_FAMILIES = 1_000_000, 50
#: Milliseconds that a token lives which no answer depends on: longer than any load.
TOKEN_LIFE = 60_000
#: Dropped families that are remembered while Redis is away; beyond, everything counts as dropped.
REMEMBERED = 1_000

#: KEYS: answer, tokens. ARGV: form, what a new token ends in, its life. Answers the stored answer or false, its life in ms,
#: the time in microseconds, the tokens. A token is the time of its making and something random; anything else is made anew.
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

#: KEYS as above. ARGV: form, answer, life, the tokens as they were. Tokens live as long as what depends on them.
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
    """What Redis answered at ``now`` (in its microseconds): the tokens that stand, ``age`` seconds since the youngest was made, and the
    answer, if it has one that is to be believed, for ``left`` seconds more; it was ``made`` so many seconds ago."""

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
    """``near`` is the near cache, started and stopped with this; ``secret`` the market's; ``settle`` the lag in seconds that
    is allowed to a replica. ``link`` is started before it."""

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
        """Begin to hear what other processes drop."""
        self._near.start()

    def stop(self) -> None:
        """Hear no more."""
        self._near.stop()

    def peek(self, key: str) -> Entry | None:
        """A fresh entry of this process, or None."""
        return self._near.peek(key)

    async def fetch(
        self, key: str, families: Sequence[str], load: Load, ttl: float, instead: Sequence[str] = (),
        outdated: Outdated = never,
    ) -> Entry:  # fmt: skip
        """The entry: of this process, of Redis, or as loaded. Redis adds its time-out at the most."""
        through = partial(self._through, key, (*families, *instead), load, ttl)
        return await self._near.fetch_for(key, families, through, instead, outdated)

    async def _through(self, key: str, families: Sequence[str], load: Load, ttl: float, direct: bool) -> Loaded:
        """As loaded; or, unless it is to be ``direct``, as found in Redis."""
        found = await self._find(key, families)
        if found is not None and found.entry is not None and not direct:
            self._hits += 1
            # in its last moments it may be one that a lagging replica answered
            after = EXPIRED_LIMIT if found.left > self._settle else 0.0
            return Loaded(found.entry, min(ttl, found.left), after, found.made)
        entry = await load()
        if found is None:
            return Loaded(entry, ttl)
        self._misses += 1
        unsettled = self._settle - found.age
        loaded = Loaded(entry, min(ttl, unsettled), 0.0) if unsettled > 0 else Loaded(entry, ttl)
        shield(self._store(found, loaded))
        return loaded

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
            return None  # it is none of its form; or a drop that was sent before this was refused meanwhile
        sealed = self._seals.opened(key, given.tokens, given.held) if given.held is not None else None
        age = given.now / 1e6 - given.youngest / 1000
        if sealed is None or not self._believed(sealed, names, asked, given.now):
            return _Found(key, keys, given.tokens, given.now, age, None, 0.0)
        left = min(given.left / 1000, (sealed.until - given.now) / 1e6)
        return _Found(key, keys, given.tokens, given.now, age, sealed.entry, left, (given.now - sealed.began) / 1e6)

    def _believed(self, sealed: Sealed, names: Sequence[str], asked: float, now: int) -> bool:
        """Whether it lives, and nothing that it depends on was heard to be dropped since it began: it is as old as Redis's
        clock says, which nobody sets by writing, and not younger than from when Redis was asked."""
        began = asked - (now - sealed.began) / 1e6
        depends = (*names, *map(family_name, sealed.entry.families))
        return sealed.began <= now < sealed.until and self._heard.believes(depends, began)

    async def _store(self, found: _Found, loaded: Loaded) -> None:
        """Share what was loaded, if nothing that it depends on was dropped since ``found``."""
        life = int(1000 * loaded.ttl * (1.0 - JITTER * random.random()))
        if len(loaded.entry.body) > LARGEST or life <= 0 or not self._usable():
            return
        sealed = self._seals.sealed(found.name, found.tokens, Sealed(loaded.entry, found.now, found.now + 1000 * life))
        try:
            await self._link.script(STORE, found.keys, [FORM, sealed, life, *found.tokens])
        except RedisUnavailable:
            pass  # it is loaded again

    # --- dropping ---

    async def drop(self, families: Sequence[str]) -> None:
        """Here at once, then in Redis, then in every other process, so that none finds there what it has just dropped; an
        empty sequence drops everything. A Redis that is away holds it up no longer than a time-out."""
        self._near.drop_here(families)
        reached = await shield(self._drop_shared(families))
        await self._near.tell(families, missed=not reached)

    def drop_here(self, families: Sequence[str]) -> None:
        """In this process, and in Redis, where this process would find it again. It is sent before this returns, and calls
        are carried out in order, so what is fetched from now on is from after the drop."""
        self._near.drop_here(families)
        self._make_up(families)

    def _make_up(self, families: Sequence[str]) -> None:
        shield(self._drop_shared(families))

    async def _drop_shared(self, families: Sequence[str]) -> bool:
        """Whether it reached Redis; else it is remembered, and Redis not used before that is made up for."""
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
        """Make up for what was missed, before anybody uses Redis again."""
        missed, self._missed = self._missed, set()
        if not self._link.run_id:  # it does not say whether it is another run
            missed.add(None)
        if missed:
            try:
                await call("DEL", *self._tokens(missed))
            except BaseException:
                self._remember(missed)
                raise

    def _usable(self) -> bool:
        if self._missed and self._link.available:  # missed while others were catching up on the link's return
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

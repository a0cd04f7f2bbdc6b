"""Complete responses in Redis: each is stored with the tokens of its families and found again while they are unchanged.

``cache.py`` says when a response is valid, and which are believed.
"""

from __future__ import annotations

import hashlib
import random
import secrets
from collections.abc import Sequence

import attrs

from harvestd.interfaces import Entry
from harvestd.store.cache.entries import Loaded
from harvestd.store.cache.freshness import JITTER
from harvestd.store.cache.invalidations import family_name
from harvestd.store.cache.seals import Sealed, Seals
from harvestd.store.heard import Heard
from harvestd.store.redis import replies as redis_replies
from harvestd.store.redis.client import RedisClient, RedisUnavailable, Script
from harvestd.store.redis.family_tokens import FamilyTokens

#: The storage format's version; responses in another format are ignored.
FORM = "4"
#: Maximum bytes of a shared response, and families of one.
LARGEST, MOST_FAMILIES = 1_000_000, 50
#: TTL in milliseconds of a token that no response depends on: longer than any load.
TOKEN_LIFE = 60_000

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
class Found:
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


class SharedResponses:
    """Sealed with ``secret``, the market's; ``heard`` are the drops that this process knows of."""

    def __init__(self, link: RedisClient, tokens: FamilyTokens, secret: str, heard: Heard) -> None:
        self._link = link
        self._tokens = tokens
        self._seals = Seals(secret)
        self._heard = heard

    async def find(self, key: str, families: Sequence[str]) -> Found | None:
        """None where Redis is not to be used."""
        if not self._tokens.usable() or len(families) > MOST_FAMILIES:
            return None
        names = [family_name(name) for name in families]
        name = f"{names[0] if names else 'answers'}:{_digest(key)}"
        keys = [self._link.key(name), self._tokens.epoch, *map(self._tokens.of, names)]
        asked = self._heard.seconds()
        try:
            reply = await self._link.script(READ, keys, [FORM, secrets.token_hex(8), TOKEN_LIFE])
        except RedisUnavailable:
            return None
        given = redis_replies.answer(reply, len(keys) - 1)
        if given is None or self._tokens.missed or not self._link.available:
            return None  # malformed; or an earlier drop was refused meanwhile
        sealed = self._seals.opened(key, given.tokens, given.held) if given.held is not None else None
        age = given.now / 1e6 - given.youngest / 1000
        if sealed is None or not self._believed(sealed, names, asked, given.now):
            return Found(key, keys, given.tokens, given.now, age, None, 0.0)
        left = min(given.left / 1000, (sealed.until - given.now) / 1e6)
        return Found(key, keys, given.tokens, given.now, age, sealed.entry, left, (given.now - sealed.began) / 1e6)

    def _believed(self, sealed: Sealed, names: Sequence[str], asked: float, now: int) -> bool:
        """Whether it is unexpired, and no drop of a dependency was heard since its load began. Its age is by Redis's
        clock, which writing to Redis cannot set, and counts from the time of asking Redis."""
        began = asked - (now - sealed.began) / 1e6
        depends = (*names, *map(family_name, sealed.entry.families))
        return sealed.began <= now < sealed.until and self._heard.believes(depends, began)

    async def store(self, found: Found, loaded: Loaded) -> None:
        """Share the loaded entry, if nothing that it depends on was dropped since ``found``."""
        life = int(1000 * loaded.ttl * (1.0 - JITTER * random.random()))
        if len(loaded.entry.body) > LARGEST or life <= 0 or not self._tokens.usable():
            return
        sealed = self._seals.sealed(found.name, found.tokens, Sealed(loaded.entry, found.now, found.now + 1000 * life))
        try:
            await self._link.script(STORE, found.keys, [FORM, sealed, life, *found.tokens])
        except RedisUnavailable:
            pass  # it will be loaded again


def _digest(key: str) -> str:
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

"""Rate limits that all processes share: the generic cell rate algorithm in one atomic script, by Redis's own clock.

The number kept for a key, its theoretical arrival time in microseconds, expires once everything is given back. Each
request is counted in this process's memory, too: a refusal there is final, and while Redis is away that count decides
alone, so limits hold from the moment when Redis dies. (Each process then allows the limit by itself; never more than
that.)
"""

from __future__ import annotations

import hashlib
import re

from zope.interface import implementer

from harvestd.interfaces import Allowance, ILimiter
from harvestd.store.limiter import MemoryLimiter
from harvestd.store.redis import replies as redis_replies
from harvestd.store.redis.client import RedisClient, RedisUnavailable, Script

#: In whole microseconds, which Lua's numbers hold exactly. A value further ahead than the limit allows was not written
#: by this script, or before the clock was set back: it is ignored. Returns: allowed, used, step.
HIT = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local step = math.max(math.floor(ARGV[2] * 1000000 / ARGV[1]), 1)
local most = step * ARGV[1]
local held = redis.pcall('GET', KEYS[1])
local used = math.floor((type(held) == 'string' and tonumber(held) or now) - now)
if not (used >= 0 and used <= most) then used = 0 end
if used + step > most then return {0, used, step} end
used = used + step
redis.call('SET', KEYS[1], string.format('%.0f', now + used), 'PX', math.ceil(used / 1000))
return {1, used, step}
""")

#: Keys that are not short and plain, such as those with an e-mail address in them, are replaced by their digest.
_PLAIN = re.compile(r"[A-Za-z0-9_.:/-]{1,120}")


@implementer(ILimiter)
class RedisLimiter:
    """Keys are ``ratelimit:<key>``; ``fallback`` decides while Redis is away."""

    at_hand = False

    def __init__(self, link: RedisClient, fallback: MemoryLimiter) -> None:
        self._link = link
        self._fallback = fallback

    async def hit(self, key: str, limit: int, period: float) -> Allowance:
        """Count one request."""
        own = await self._fallback.hit(key, limit, period)
        if not own.allowed:
            return own  # deleting keys from Redis cannot reset a limit
        try:
            reply = await self._link.script(HIT, [self._key(key)], [limit, repr(float(period))])
        except RedisUnavailable:
            return own
        usage = redis_replies.usage(reply, max(int(period * 1_000_000), limit))
        if usage is None:
            return own
        allowed, used, step = usage
        left = step * limit - used
        if not allowed:
            return Allowance(False, 0, used / 1e6, (step - left) / 1e6)
        return Allowance(True, left // step, used / 1e6, 0.0)

    def hit_now(self, key: str, limit: int, period: float) -> None:
        """Not available: Redis has to be asked."""

    def _key(self, key: str) -> str:
        if not _PLAIN.fullmatch(key):
            key = "sha256:" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        return self._link.key(f"ratelimit:{key}")

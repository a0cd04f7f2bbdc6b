"""Sign-ins in Redis, between the memory of each process and PostgreSQL: ``session:<user>``, a day long.

The value is ``<epoch> <lease> <sign-in> … <sign-in> ``. What could be wrong in it is excluded in three ways:

- An answer that was asked of PostgreSQL before a sign-out is not kept after it. Who asks leaves a lease in the value, at
  random, and the answer replaces nothing but a value with that lease; a sign-out deletes the value, and the lease with
  it. (Leases as in "Scaling Memcache at Facebook", 3.2.1.)
- A sign-out that Redis did not hear of ends the connection, so that on its return the epoch is changed, which makes every
  older value worthless; also those that a restart brought back from a file.
- Anything that is not of this form is as good as nothing.
"""

from __future__ import annotations

import random

from harvestd.store.redis_link import Call, RedisAway, RedisLink, Script
from harvestd.store.sessions import SessionSource

#: Seconds for which a value is kept.
TTL = 86_400

#: Answers the epoch, if the sign-in is not among those that are known, having left a lease; and those that are.
READ = Script("""
local epoch = redis.pcall('GET', KEYS[2])
if type(epoch) ~= 'string' then
  epoch = ARGV[3]
  redis.call('SET', KEYS[2], epoch)
end
local held, known = redis.pcall('GET', KEYS[1]), ' '
if type(held) == 'string' and string.sub(held, 1, #epoch + 1) == epoch .. ' ' then
  local space = string.find(held, ' ', #epoch + 2, true)
  if space then known = string.sub(held, space) end
end
if string.find(known, ' ' .. ARGV[1] .. ' ', 1, true) then return {false, known} end
redis.call('SET', KEYS[1], epoch .. ' ' .. ARGV[2] .. known, 'EX', ARGV[4])
return {epoch, known}
""")

#: Replaces a value that has this epoch and lease, whatever is known in it.
KEEP = Script("""
local held, head = redis.pcall('GET', KEYS[1]), ARGV[1] .. ' '
if type(held) ~= 'string' or string.sub(held, 1, #head) ~= head then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
""")


class RedisSessions:
    """``source`` is asked for what is not in Redis, and for everything while it is away."""

    def __init__(self, link: RedisLink, source: SessionSource) -> None:
        self._link = link
        self._source = source
        link.on_return(self._returned)

    async def live(self, user_id: str, session: str) -> frozenset[str]:
        """As PostgreSQL had it when it was last asked, unless the sign-in is none of those."""
        key, lease = self._key(user_id), _token()
        try:
            epoch, known = await self._link.script(READ, [key, self._epoch], [session, lease, _token(), TTL])
        except RedisAway:
            return await self._source.live(user_id, session)
        found = frozenset(known.decode("ascii", "replace").split())
        if session in found:
            return found
        live = await self._source.live(user_id, session)
        if epoch is not None:
            await self._keep(key, epoch.decode("ascii", "replace"), lease, live)
        return live

    async def _keep(self, key: str, epoch: str, lease: str, live: frozenset[str]) -> None:
        value = " ".join([epoch, "-", *sorted(live), ""])
        try:
            await self._link.script(KEEP, [key], [f"{epoch} {lease}", value, TTL])
        except RedisAway:
            pass  # it is asked for again

    async def forget(self, user_id: str) -> None:
        """Delete what is known of the user; or, if that does not reach Redis, have it forget everything on its return."""
        await self._source.forget(user_id)
        try:
            await self._link.call("DEL", self._key(user_id))
        except RedisAway as error:
            if self._link.available:
                self._link.breaker.open(f"a sign-out could not be told: {error}")

    async def _returned(self, call: Call) -> None:
        """Values from before the outage are not to be believed: a sign-out may have been missed."""
        await call("SET", self._epoch, _token())

    def _key(self, user_id: str) -> str:
        return self._link.key(f"session:{user_id}")

    @property
    def _epoch(self) -> str:
        return self._link.key("sessions:epoch")


def _token() -> str:
    return f"{random.getrandbits(64):016x}"

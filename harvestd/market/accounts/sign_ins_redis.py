"""Sign-ins in Redis, between the memory of each process and PostgreSQL: ``session:<user>``, a day long.

The value is ``<epoch> <lease> <seal> <time> <role> <sign-in> … <sign-in> ``, from the seal on as PostgreSQL had it when it was
asked (:class:`Seals`). What could be wrong in it is excluded in five ways:

- An answer that was asked of PostgreSQL before a sign-out is not kept after it. Who asks leaves a lease in the value, at
  random, and the answer replaces nothing but a value with that lease; a sign-out deletes the value, and the lease with
  it. (Leases as in "Scaling Memcache at Facebook", 3.2.1.)
- A sign-out that Redis did not hear of ends the connection, so that on its return the epoch is changed, which makes every
  older value worthless; also those that a restart brought back from a file.
- Nobody without the market's secret can make one up: it is sealed over person, epoch, time, role and sign-ins.
- One that was true once can be put back, seal and all. But each process knows of whom it heard since, and when it began to
  hear (``heard.py``): what was asked before that counts for nothing there.
- Anything that is not of this form is as good as nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import random

import msgspec

from harvestd.market.accounts.sign_ins import SignInSource, Standing
from harvestd.store.heard import Heard
from harvestd.store.redis import replies as redis_replies
from harvestd.store.redis.client import Call, RedisClient, RedisUnavailable, Script

#: Seconds for which a value is kept, and counts.
TTL = 86_400

#: KEYS: value, epoch. ARGV: sign-in, lease, a new epoch, life, whether to leave the lease in any case. Answers the epoch, whether
#: the lease was left, which it is if the sign-in is not among those that are known, the time in microseconds, and what is known.
READ = Script("""
local time = redis.call('TIME')
local epoch = redis.pcall('GET', KEYS[2])
if type(epoch) ~= 'string' or not string.match(epoch, '^' .. string.rep('[0-9a-f]', 16) .. '$') then
  epoch = ARGV[3]
  redis.call('SET', KEYS[2], epoch)
end
local held, known, now = redis.pcall('GET', KEYS[1]), ' ', time[1] * 1000000 + time[2]
if type(held) == 'string' and #held < 10000 and string.sub(held, 1, #epoch + 1) == epoch .. ' ' then
  local space = string.find(held, ' ', #epoch + 2, true)
  if space then known = string.sub(held, space) end
end
if ARGV[5] == '0' and string.find(known, ' ' .. ARGV[1] .. ' ', 1, true) then return {epoch, 0, now, known} end
redis.call('SET', KEYS[1], epoch .. ' ' .. ARGV[2] .. known, 'EX', ARGV[4])
return {epoch, 1, now, known}
""")

#: Replaces a value that has this epoch and lease, whatever is known in it.
KEEP = Script("""
local held, head = redis.pcall('GET', KEYS[1]), ARGV[1] .. ' '
if type(held) ~= 'string' or string.sub(held, 1, #head) ~= head then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
""")


class Seals:
    """What is known of a person as text: ``<seal> <time> <role> <sign-in> …``, the time by Redis's clock, in microseconds."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.blake2b(secret.encode(), digest_size=32, person=b"harvest.signins").digest()

    def sealed(self, user_id: str, epoch: str, began: int, standing: Standing) -> str:
        """What PostgreSQL answered that was asked at ``began``."""
        words = [str(began), standing.role, *sorted(standing.sessions)]
        return " ".join([self._seal(user_id, epoch, words), *words])

    def opened(self, user_id: str, epoch: str, known: bytes) -> tuple[int, Standing] | None:
        """When it was asked, and the answer; None for anything else."""
        seal, _, said = known.decode("ascii", "replace").strip(" ").partition(" ")
        words = said.split(" ")
        if len(words) < 3 or not hmac.compare_digest(seal.encode(), self._seal(user_id, epoch, words).encode()):
            return None
        return int(words[0]), Standing(words[1], frozenset(words[2:]))

    def _seal(self, user_id: str, epoch: str, words: list[str]) -> str:
        about = msgspec.msgpack.encode((user_id, epoch, words))
        return hashlib.blake2b(about, digest_size=16, key=self._key).hexdigest()


class RedisSignIns:
    """``source`` is asked for what is not in Redis, and for everything while it is away; ``secret`` is the market's."""

    def __init__(self, link: RedisClient, source: SignInSource, secret: str) -> None:
        self._link = link
        self._source = source
        self._seals = Seals(secret)
        self._heard = Heard()
        link.on_return(self._returned)

    async def live(self, user_id: str, session: str) -> Standing:
        """As PostgreSQL had it when it was last asked, unless the sign-in is none of those."""
        lease = _token()
        for force in (False, True):  # the second time where what is there says that it knows, and is not to be believed
            asked, found = self._heard.seconds(), await self._read(user_id, session, lease, force)
            standing = None if found is None else self._believed(user_id, found, asked)
            if standing is not None and session in standing.sessions:
                return standing
            if found is None or found.leased:
                break
        live = await self._source.live(user_id, session)
        if found is not None and found.leased:
            await self._keep(user_id, found, lease, live)
        return live

    async def _read(self, user_id: str, session: str, lease: str, force: bool) -> redis_replies.SignIns | None:
        keys = [self._key(user_id), self._epoch]
        try:
            return redis_replies.sign_ins(
                await self._link.script(READ, keys, [session, lease, _token(), TTL, int(force)])
            )
        except RedisUnavailable:
            return None

    def _believed(self, user_id: str, found: redis_replies.SignIns, asked: float) -> Standing | None:
        """What is known, if this market said so, not too long ago, and nothing was heard of the person since. Its age is by
        Redis's clock, which nobody sets by writing."""
        opened = self._seals.opened(user_id, found.epoch, found.known)
        if opened is None:
            return None
        age = (found.now - opened[0]) / 1e6
        return opened[1] if 0 <= age < TTL and self._heard.believes([user_id], asked - age) else None

    async def _keep(self, user_id: str, found: redis_replies.SignIns, lease: str, live: Standing) -> None:
        value = f"{found.epoch} - {self._seals.sealed(user_id, found.epoch, found.now, live)} "
        try:
            await self._link.script(KEEP, [self._key(user_id)], [f"{found.epoch} {lease}", value, TTL])
        except RedisUnavailable:
            pass  # it is asked for again

    async def forget(self, user_id: str) -> None:
        """Delete what is known of the user; or, if that does not reach Redis, have it forget everything on its return."""
        self._heard.note([user_id])
        await self._source.forget(user_id)
        try:
            await self._link.call("DEL", self._key(user_id))
        except RedisUnavailable as error:
            if self._link.available:
                self._link.breaker.open(f"a sign-out could not be told: {error}")

    def missed(self) -> None:
        """Of nobody is anything believed that was asked before now."""
        self._heard.note([])
        self._source.missed()

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

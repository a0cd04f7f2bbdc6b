"""Sign-ins cached in Redis, between each process's memory and PostgreSQL: ``session:<user>``, for a day.

The value is ``<epoch> <lease> <seal> <time> <role> <factor> <sign-in> … <sign-in> ``, from the seal on as PostgreSQL returned it
(:class:`Seals`). Five measures keep wrong values out:

- PostgreSQL's answer from before a sign-out is not stored after it. On a miss the reader puts a random lease into the value, and the
  answer replaces only a value with that lease; a sign-out deletes the value together with the
  lease. (Leases as in "Scaling Memcache at Facebook", 3.2.1.)
- A sign-out that does not reach Redis closes the connection, and on reconnecting the epoch is changed, which invalidates every
  older value, including those that a restart loaded from a file.
- Values cannot be forged without the market's secret: the seal covers user, epoch, time, account and sign-ins.
- A formerly true value can be replayed, seal included. But each process knows which users it has had notifications about, and since
  when it has been listening (``heard.py``): values queried before that are ignored there.
- A value that is not of this form is ignored.
"""

from __future__ import annotations

import hashlib
import hmac
import random

import msgspec

from harvestd.interfaces import Account
from harvestd.market.accounts.sign_ins import SignInSource, Standing
from harvestd.store.heard import Heard
from harvestd.store.redis import replies as redis_replies
from harvestd.store.redis.client import Call, RedisClient, RedisUnavailable, Script

#: Seconds for which a value is stored and valid.
TTL = 86_400
_FACTOR = ("0", "1")

#: KEYS: value, epoch. ARGV: sign-in, lease, a new epoch, lifetime, whether to leave the lease in any case. Returns the epoch, whether
#: the lease was left (it is if the cached sign-ins do not include this one), the time in microseconds, and the cached text.
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

#: Replaces a value with this epoch and lease, whatever sign-ins it holds.
KEEP = Script("""
local held, head = redis.pcall('GET', KEYS[1]), ARGV[1] .. ' '
if type(held) ~= 'string' or string.sub(held, 1, #head) ~= head then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
""")


class Seals:
    """A user's sign-ins as text: ``<seal> <time> <role> <factor> <sign-in> …``, the time by Redis's clock, in microseconds, the factor
    ``1`` or ``0``: whether the account has a second one."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.blake2b(secret.encode(), digest_size=32, person=b"harvest.signins").digest()

    def sealed(self, user_id: str, epoch: str, began: int, standing: Standing) -> str:
        """Seal PostgreSQL's answer to a query that began at ``began``."""
        account = standing.account
        words = [str(began), account.role, _FACTOR[account.second_factor], *sorted(standing.sessions)]
        return " ".join([self._seal(user_id, epoch, words), *words])

    def opened(self, user_id: str, epoch: str, known: bytes) -> tuple[int, Standing] | None:
        """When the query began, and its answer; None if the seal does not match."""
        seal, _, said = known.decode("ascii", "replace").strip(" ").partition(" ")
        words = said.split(" ")
        if (
            len(words) < 4
            or words[2] not in _FACTOR
            or not hmac.compare_digest(seal.encode(), self._seal(user_id, epoch, words).encode())
        ):
            return None
        return int(words[0]), Standing(Account(words[1], words[2] == "1"), frozenset(words[3:]))

    def _seal(self, user_id: str, epoch: str, words: list[str]) -> str:
        about = msgspec.msgpack.encode((user_id, epoch, words))
        return hashlib.blake2b(about, digest_size=16, key=self._key).hexdigest()


class RedisSignIns:
    """``source`` is queried on a cache miss, and always while Redis is unavailable; ``secret`` is the market's."""

    def __init__(self, link: RedisClient, source: SignInSource, secret: str) -> None:
        self._link = link
        self._source = source
        self._seals = Seals(secret)
        self._heard = Heard()
        link.on_return(self._returned)

    async def live(self, user_id: str, session: str) -> Standing:
        """The cached answer of PostgreSQL, unless it does not include the sign-in."""
        lease = _token()
        for force in (False, True):  # the second time if the cached text includes it but is not valid
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
        """The cached answer, if its seal is ours, it is recent, and no notification about the user came since. Its age is by
        Redis's clock, which writing a value cannot change."""
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
            pass  # the next request queries again

    async def forget(self, user_id: str) -> None:
        """Delete the user's cached value or, if that does not reach Redis, have every value invalidated on reconnecting."""
        self._heard.note([user_id])
        await self._source.forget(user_id)
        try:
            await self._link.call("DEL", self._key(user_id))
        except RedisUnavailable as error:
            if self._link.available:
                self._link.breaker.open(f"a sign-out could not be told: {error}")

    def missed(self) -> None:
        """Invalidate everything queried before now, for every user."""
        self._heard.note([])
        self._source.missed()

    async def _returned(self, call: Call) -> None:
        """Invalidate values from before the outage: a sign-out may have been missed."""
        await call("SET", self._epoch, _token())

    def _key(self, user_id: str) -> str:
        return self._link.key(f"session:{user_id}")

    @property
    def _epoch(self) -> str:
        return self._link.key("sessions:epoch")


def _token() -> str:
    return f"{random.getrandbits(64):016x}"

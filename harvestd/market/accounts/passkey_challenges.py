"""Challenges for authenticators: random, for five minutes, for one purpose and one account, and good once.

A challenge is sealed by the market's secret, so that asking for one stores nothing, whoever asks; once it was answered its hash is stored, in
the transaction of what it is for, until it has expired.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
import os
from datetime import UTC, datetime, timedelta

from harvestd.store.postgres.statements import Statement, nothing
from harvestd.store.postgres.transactions import Transaction

LIFE = timedelta(minutes=5)
#: Bytes: what is random, the second at which it ends, and the seal.
_RANDOM, _TIME, _SEAL = 16, 8, 32

_USE = Statement(
    "used_challenges.insert",
    "insert into used_challenges (hash, expires_at) values (:hash, :expires_at) on conflict do nothing",
    nothing,
)
_DELETE_EXPIRED = Statement(
    "used_challenges.delete_expired",
    """delete from used_challenges where hash in (
           select hash from used_challenges where expires_at < :now order by expires_at limit :limit)""",
    nothing,
)


class Purpose(enum.Enum):
    """What an answer is for, and what it is bound to."""

    SET_UP = "set-up"  # the id of the new factor
    SIGN_IN = "sign-in"  # nothing: who answers says who it is
    SECOND_STEP = "second-step"  # the account
    CONFIRM = "confirm"  # the sign-in


def made(secret: str, purpose: Purpose, about: str, now: datetime) -> bytes:
    """A new challenge; ``about`` is what the purpose binds it to."""
    words = os.urandom(_RANDOM) + int((now + LIFE).timestamp()).to_bytes(_TIME, "big")
    return words + _seal(secret, purpose, about, words)


async def use(tx: Transaction, secret: str, given: bytes, purpose: Purpose, about: str, now: datetime) -> bool:
    """Whether a challenge is this market's, for this, and not expired; and was not used before: it is now."""
    words, seal = given[: _RANDOM + _TIME], given[_RANDOM + _TIME :]
    if not hmac.compare_digest(seal, _seal(secret, purpose, about, words)):
        return False
    expires_at = datetime.fromtimestamp(int.from_bytes(words[_RANDOM:], "big"), UTC)
    if now >= expires_at:
        return False
    return bool(await tx.run(_USE, hash=hashlib.sha256(given).digest(), expires_at=expires_at))


async def delete_expired(tx: Transaction, now: datetime, limit: int) -> int:
    """Forget challenges that would not be good any more anyway; returns how many."""
    return await tx.run(_DELETE_EXPIRED, now=now, limit=limit)


def _seal(secret: str, purpose: Purpose, about: str, words: bytes) -> bytes:
    key = hashlib.blake2b(secret.encode(), digest_size=32, person=b"harvest.passkeys").digest()
    return hashlib.blake2b(f"{purpose.value} {about} ".encode() + words, digest_size=_SEAL, key=key).digest()

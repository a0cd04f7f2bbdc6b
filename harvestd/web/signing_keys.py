"""The keys that sign access tokens: Ed25519, a new one every thirty days.

Each is derived from the market's secret and the number of its period, so all processes have the same ones without telling each other, and
nothing has to be stored or handed over. The keys of the period before and after are good too: a token outlives the change of its
key by its lifetime, and clocks differ a little. Others verify tokens with the public keys (``/.well-known/jwks.json``, RFC 7517 and 8037).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache

import attrs
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

#: JOSE's name of the algorithm (RFC 8037, 3.1).
ALGORITHM = "EdDSA"
PERIOD = timedelta(days=30)
#: A key's id: the number of its period, and what the key itself comes to, since another secret makes another key.
_ID = re.compile(r"([0-9]{1,9})-[0-9a-f]{16}")


@attrs.frozen(eq=False)
class SigningKey:
    """One key: its ``id`` is the ``kid`` of the tokens that it signs."""

    id: str
    private: Ed25519PrivateKey
    public: Ed25519PublicKey


@lru_cache(maxsize=32)
def _key(secret: str, number: int) -> SigningKey:
    seed = hashlib.blake2b(secret.encode(), digest_size=32, person=b"harvest.jwt", salt=str(number).encode()).digest()
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key()
    mark = hashlib.sha256(_raw(public)).hexdigest()[:16]
    return SigningKey(f"{number}-{mark}", private, public)


def _raw(public: Ed25519PublicKey) -> bytes:
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _number(now: datetime) -> int:
    return int(now.timestamp() // PERIOD.total_seconds())


def current(secret: str, now: datetime) -> SigningKey:
    """The key that signs now."""
    return _key(secret, _number(now))


def good(secret: str, now: datetime) -> Iterator[SigningKey]:
    """The keys whose tokens are taken now: of this period, and of the ones before and after."""
    return (_key(secret, _number(now) + step) for step in (0, -1, 1))


def named(secret: str, key_id: str) -> SigningKey | None:
    """The key with this id, of whatever period; None if there never was, nor will be, such a key."""
    found = _ID.fullmatch(key_id)
    key = _key(secret, int(found[1])) if found is not None else None
    return key if key is not None and key.id == key_id else None


def public_set(secret: str, now: datetime) -> list[dict[str, str]]:
    """The public keys as JSON Web Keys (RFC 8037, 2)."""
    return [
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "use": "sig",
            "alg": ALGORITHM,
            "kid": key.id,
            "x": _base64url(_raw(key.public)),
        }
        for key in good(secret, now)
    ]


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

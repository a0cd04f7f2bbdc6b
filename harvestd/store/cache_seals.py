"""A finished answer as it lies in Redis: sealed, so that nothing but what this market put there is ever served.

``seal(16) + msgpack [status, etag, headers, body, families]``; the seal is BLAKE2b keyed with the market's secret over the answer's
name, the tokens that it depends on, and the payload. What is torn, forged, or moved under another name does not open.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

import msgspec

from harvestd.interfaces import Entry

SEAL = 16
_Packed = tuple[int, str, tuple[tuple[bytes, bytes], ...], bytes, tuple[str, ...]]
_decoder = msgspec.msgpack.Decoder(_Packed)


class Seals:
    """``secret`` is the market's: processes that do not share it cannot read each other's answers."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.blake2b(secret.encode(), digest_size=32, person=b"harvest.cache").digest()

    def sealed(self, name: str, tokens: Sequence[bytes], entry: Entry) -> bytes:
        """The entry as bytes."""
        packed = msgspec.msgpack.encode((entry.status, entry.etag, entry.headers, entry.body, entry.families))
        return self._seal(name, tokens, packed) + packed

    def opened(self, name: str, tokens: Sequence[bytes], held: bytes) -> Entry | None:
        """The entry, or None for anything else."""
        packed = held[SEAL:]
        if not hmac.compare_digest(held[:SEAL], self._seal(name, tokens, packed)):
            return None
        try:
            status, etag, headers, body, families = _decoder.decode(packed)
        except msgspec.MsgspecError:
            return None
        return Entry(body, etag, headers, status, families)

    def _seal(self, name: str, tokens: Sequence[bytes], packed: bytes) -> bytes:
        about = msgspec.msgpack.encode((name.encode("utf-8", "surrogatepass"), tokens))
        seal = hashlib.blake2b(about, digest_size=SEAL, key=self._key)
        seal.update(packed)
        return seal.digest()

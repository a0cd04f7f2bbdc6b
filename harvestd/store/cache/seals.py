"""A complete response as stored in Redis: sealed, so that nothing but this market's own entries is ever served.

``seal(16) + msgpack [began, until, status, etag, headers, body, families, states, ended]``; the seal is BLAKE2b keyed with the
market's secret over the response's name, the tokens that it depends on, and the payload. A truncated, forged or renamed
entry fails to open. A replayed one does open; ``began``, the start of its load, and ``until``, the end of its validity,
by Redis's clock in microseconds, let the reader judge it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

import attrs
import msgspec

from harvestd.interfaces import Entry

SEAL = 16
_Packed = tuple[
    int, int, int, str, tuple[tuple[bytes, bytes], ...], bytes, tuple[str, ...], tuple[tuple[str, str], ...], int | None
]
_decoder = msgspec.msgpack.Decoder(_Packed)


@attrs.frozen
class Sealed:
    """The sealed entry and its times."""

    entry: Entry
    began: int
    until: int


class Seals:
    """``secret`` is the market's: processes that do not share it cannot read each other's entries."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.blake2b(secret.encode(), digest_size=32, person=b"harvest.cache").digest()

    def sealed(self, name: str, tokens: Sequence[bytes], sealed: Sealed) -> bytes:
        """The entry sealed, as bytes."""
        entry = sealed.entry
        whole = entry.status, entry.etag, entry.headers, entry.body, entry.families, entry.states, entry.ended
        packed = msgspec.msgpack.encode((sealed.began, sealed.until, *whole))
        return self._seal(name, tokens, packed) + packed

    def opened(self, name: str, tokens: Sequence[bytes], held: bytes) -> Sealed | None:
        """The sealed entry, or None for invalid bytes."""
        packed = held[SEAL:]
        if not hmac.compare_digest(held[:SEAL], self._seal(name, tokens, packed)):
            return None
        try:
            began, until, status, etag, headers, body, families, states, ended = _decoder.decode(packed)
        except msgspec.MsgspecError:
            return None
        return Sealed(Entry(body, etag, headers, status, families, states=states, ended=ended), began, until)

    def _seal(self, name: str, tokens: Sequence[bytes], packed: bytes) -> bytes:
        about = msgspec.msgpack.encode((name.encode("utf-8", "surrogatepass"), tokens))
        seal = hashlib.blake2b(about, digest_size=SEAL, key=self._key)
        seal.update(packed)
        return seal.digest()

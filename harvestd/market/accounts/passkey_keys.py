"""Public keys of passkeys (COSE, RFC 9053): of the kinds that are taken, and none that protects nothing. Pure, but for py_webauthn.

A registration without attestation proves nothing of its key, so whatever sends one may send a key that everybody can sign for.
"""

from __future__ import annotations

import math
from typing import Any

from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography
from webauthn.helpers.cose import COSECRV, COSEKTY

#: By the names of COSE: ES256, EdDSA, RS256, each with the only type of key that it goes with.
ALGORITHMS = {-7: COSEKTY.EC2, -8: COSEKTY.OKP, -257: COSEKTY.RSA}
#: Bytes of a key; an RSA key of 4,096 bits has some 530.
MAX_KEY = 1024
#: Bits of an RSA key, and its exponents (FIPS 186-5, 5.4: odd ones, these).
RSA_BITS, RSA_EXPONENTS = range(2048, 4097), range(2**16 + 1, 2**256)
#: No prime below this divides a sound modulus (SP 800-89, 5.3.3).
_SMALL = 752
_SMALL_FACTORS = math.prod(n for n in range(2, _SMALL) if all(n % d for d in range(2, math.isqrt(n) + 1)))
#: Edwards25519 (RFC 8032, 5.1): the prime and d; a point is 255 bits of y, little-endian, and the sign of x.
_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
#: y of a point of order 8; the other is its negative.
_ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD83D3D706A17C7
#: y of the points of order 1, 2, 4 and 8: a signature by one of them holds for texts that nobody signed.
_SMALL_ORDER = frozenset({1, _P - 1, 0, _ORDER_8, _P - _ORDER_8})


class UnfitKey(ValueError):
    """The key is of no kind that is taken, or is none."""


class WeakKey(UnfitKey):
    """The key is of a kind that is taken, and others could sign for it, or nobody."""


def check(key: bytes) -> None:
    """Raise :class:`UnfitKey`, of which :class:`WeakKey`, or whatever the library makes of a malformed one."""
    if len(key) > MAX_KEY:
        raise UnfitKey("its key is too long")
    decoded: Any = decode_credential_public_key(key)
    if ALGORITHMS.get(decoded.alg) != decoded.kty:
        raise UnfitKey("its key is not of its algorithm")
    _CHECKS[decoded.kty](decoded)
    decoded_public_key_to_cryptography(decoded)


def _check_rsa(decoded: Any) -> None:
    n, e = int.from_bytes(decoded.n, "big"), int.from_bytes(decoded.e, "big")
    if n.bit_length() not in RSA_BITS:
        raise WeakKey("its RSA key is too short, or too long")
    if math.gcd(n, _SMALL_FACTORS) != 1 or e % 2 == 0 or e not in RSA_EXPONENTS:
        raise WeakKey("its RSA key has small factors, or an exponent that is even or too small")


def _check_point(decoded: Any) -> None:
    """A point of P-256 as WebAuthn has it (6.5.1.1). That it is on the curve, which the point at infinity is not, is checked by the library."""
    if decoded.crv != COSECRV.P256 or not len(decoded.x) == len(decoded.y) == 32:
        raise UnfitKey("its key is no point of P-256")
    try:
        decoded_public_key_to_cryptography(decoded)
    except ValueError as error:
        raise WeakKey("its key is not on its curve") from error


def _check_edwards(decoded: Any) -> None:
    if decoded.crv != COSECRV.ED25519 or len(decoded.x) != 32:
        raise UnfitKey("its key is no point of Ed25519")
    y = int.from_bytes(decoded.x, "little") & (2**255 - 1)
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    if y >= _P or y in _SMALL_ORDER or pow(square, (_P - 1) // 2, _P) != 1:
        raise WeakKey("its key is not on its curve, or of a small order")


_CHECKS = {COSEKTY.RSA: _check_rsa, COSEKTY.EC2: _check_point, COSEKTY.OKP: _check_edwards}

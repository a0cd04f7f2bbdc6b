"""Encryption at rest of what must be read again, such as the secrets of second factors: AES-256-GCM (NIST SP 800-38D).

The keys are those of the setting ``encryption_keys``, or are derived from the market's secret where it is empty. The first encrypts, each of them
decrypts, so a key is changed by putting a new one before it. A value is bound to its purpose and its owner, so that it is no good elsewhere.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

#: Bytes: the form of the value, the mark of its key, and the nonce.
_FORM, _MARK, _NONCE = b"\x01", 4, 12


class NotDecrypted(Exception):
    """No key of the settings decrypts the value: ``encryption_keys``, or the secret, is another now; or the value was changed."""


class Encryption:
    """Encrypts and decrypts by the keys of a market: texts of 32 characters or more, the newest first."""

    def __init__(self, keys: Sequence[str]) -> None:
        derived = [hashlib.blake2b(key.encode(), digest_size=32, person=b"harvest.at-rest").digest() for key in keys]
        self._keys = [(hashlib.sha256(key).digest()[:_MARK], AESGCM(key)) for key in derived]

    def encrypt(self, value: bytes, owner: str) -> bytes:
        """The value as it is stored; ``owner`` is what it is of, such as ``second_factor:<id>``."""
        mark, key = self._keys[0]
        nonce = os.urandom(_NONCE)
        return _FORM + mark + nonce + key.encrypt(nonce, value, owner.encode())

    def decrypt(self, stored: bytes, owner: str) -> bytes:
        """The value; raises :class:`NotDecrypted`."""
        mark, nonce = stored[1 : 1 + _MARK], stored[1 + _MARK : 1 + _MARK + _NONCE]
        for known, key in self._keys:
            if stored[:1] == _FORM and known == mark:
                try:
                    return key.decrypt(nonce, stored[1 + _MARK + _NONCE :], owner.encode())
                except InvalidTag:
                    break
        raise NotDecrypted(f"what is stored of {owner} cannot be decrypted with the keys of the settings")

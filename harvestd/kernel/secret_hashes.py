"""What is stored of a secret that is shown or mailed once: tokens, API keys, recovery codes.

They are random, of 50 bits (recovery codes, whose guesses are limited) to 256, so that a fast hash without salt keeps them: there is
no word list to guess from, and a row is found by its hash.
"""

from __future__ import annotations

import hashlib


def secret_hash(secret: str) -> bytes:
    """Its SHA-256, 32 bytes. Takes any text, since strangers send some."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()

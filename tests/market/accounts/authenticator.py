"""An authenticator in software, with the browser around it: what ``navigator.credentials`` would give, and what it never would."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from typing import Any

import attrs
import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from harvestd.kernel.readers import base64url, base64url_of

#: Flags of authenticator data.
PRESENT, VERIFIED, ATTESTED = 1, 4, 64


def _whole(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _es256() -> tuple[dict[int, Any], Callable[[bytes], bytes]]:
    key = ec.generate_private_key(ec.SECP256R1())
    at = key.public_key().public_numbers()
    public = {1: 2, 3: -7, -1: 1, -2: at.x.to_bytes(32, "big"), -3: at.y.to_bytes(32, "big")}
    return public, lambda data: key.sign(data, ec.ECDSA(SHA256()))


def _eddsa() -> tuple[dict[int, Any], Callable[[bytes], bytes]]:
    key = ed25519.Ed25519PrivateKey.generate()
    return {1: 1, 3: -8, -1: 6, -2: key.public_key().public_bytes_raw()}, key.sign


def _rs256(bits: int = 2048) -> tuple[dict[int, Any], Callable[[bytes], bytes]]:
    key = rsa.generate_private_key(65537, bits)
    numbers = key.public_key().public_numbers()
    public = {1: 3, 3: -257, -1: _whole(numbers.n), -2: _whole(numbers.e)}
    return public, lambda data: key.sign(data, padding.PKCS1v15(), SHA256())


KEYS = {"ES256": _es256, "EdDSA": _eddsa, "RS256": _rs256}


@attrs.define
class Authenticator:
    """One passkey. ``rp_id`` is what it hashes instead of what it is asked with; ``count`` grows with each answer, but at 0."""

    origin: str
    algorithm: str = "ES256"
    count: int = 1
    verifies: bool = True
    rp_id: str = ""
    id: bytes = attrs.field(factory=lambda: os.urandom(32))
    handle: bytes | None = None
    public: dict[int, Any] = attrs.field(init=False)
    sign: Callable[[bytes], bytes] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.public, self.sign = KEYS[self.algorithm]()

    def make(self, options: dict[str, Any], **changed: Any) -> str:
        """What ``create`` gives for the options; ``client``, ``key``, ``fmt``, ``statement``, ``response``, ``credential`` change parts of it."""
        self.handle = base64url(options["user"]["id"], 64)
        key = cbor2.dumps(changed.get("key", self.public))
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + key
        data = self._data(self.rp_id or options["rp"]["id"], ATTESTED) + attested
        attestation = {
            "fmt": changed.get("fmt", "none"), "attStmt": changed.get("statement", {}), "authData": data
        }  # fmt: skip
        response = {
            "clientDataJSON": self._client("webauthn.create", options["challenge"], changed),
            "attestationObject": base64url_of(cbor2.dumps(attestation)), "transports": ["internal", "telepathy"],
        }  # fmt: skip
        return self._credential(response, changed)

    def answer(self, options: dict[str, Any], **changed: Any) -> str:
        """What ``get`` gives for the options; ``client``, ``response`` and ``credential`` change parts of it, ``handle`` replaces what it says
        who it is."""
        self.count += self.count > 0
        data = self._data(self.rp_id or options["rpId"], 0)
        client = self._client("webauthn.get", options["challenge"], changed)
        found = base64url(client, 10_000)
        assert found is not None
        handle = changed.get("handle", self.handle)
        response = {
            "clientDataJSON": client, "authenticatorData": base64url_of(data),
            "signature": base64url_of(self.sign(data + hashlib.sha256(found).digest())),
            "userHandle": None if handle is None else base64url_of(handle),
        }  # fmt: skip
        return self._credential(response, changed)

    def _data(self, rp_id: str, flags: int) -> bytes:
        flags |= PRESENT | (VERIFIED if self.verifies else 0)
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str, changed: dict[str, Any]) -> str:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return base64url_of(json.dumps(said | changed.get("client", {})).encode())

    def _credential(self, response: dict[str, Any], changed: dict[str, Any]) -> str:
        id = base64url_of(self.id)
        found = {
            "id": id, "rawId": id, "type": "public-key", "authenticatorAttachment": "platform",
            "clientExtensionResults": {"credProps": {"rk": True}}, "response": response | changed.get("response", {}),
        }  # fmt: skip
        return json.dumps(found | changed.get("credential", {}))

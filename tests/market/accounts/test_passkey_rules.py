"""What a browser sends of a passkey is read strictly and verified: every way in which it may be unfit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from harvestd.kernel.readers import base64url_of
from harvestd.market.accounts.passkey_rules import MAX_ID, Party, Unfit, Weak, answered, made, party, read, went_back
from harvestd.settings.table import Settings
from tests.market.accounts.authenticator import KEYS, Authenticator

MARKET = Party("market.example.org", "A market", ("https://market.example.org",))
CREATE = {"rp": {"id": MARKET.id}, "user": {"id": "AAAA"}, "challenge": "AAAA"}
GET = {"rpId": MARKET.id, "challenge": "AAAA"}
#: What the seal of the challenge tells, and not what the browser sends.
BY_CHALLENGE = {"another challenge", "a challenge of nobody"}
#: What the owner's handle tells, and which passkeys there are.
BY_OWNER = {"another handle", "an unknown credential"}


def authenticator(algorithm: str = "ES256") -> Authenticator:
    return Authenticator(MARKET.origins[0], algorithm)


@pytest.mark.parametrize("algorithm", KEYS)
def test_what_an_authenticator_makes_and_answers_holds(algorithm: str) -> None:
    key = authenticator(algorithm)
    found = made(MARKET, read(key.make(CREATE)))
    assert (found.id, found.count) == (key.id, 1)
    assert answered(MARKET, read(key.answer(GET)), found.key, alone=True) == 2
    key.verifies = False
    assert answered(MARKET, read(key.answer(GET)), found.key, alone=False) == 3
    with pytest.raises(Unfit):
        answered(MARKET, read(key.answer(GET)), found.key, alone=True)
    other = made(MARKET, read(authenticator(algorithm).make(CREATE)))
    with pytest.raises(Unfit):
        answered(MARKET, read(key.answer(GET)), other.key, alone=False)


def _long(size: int) -> str:
    return "A" * size


#: What is wrong with an answer to a request to set one up, as it is changed.
UNFIT_TO_MAKE: dict[str, dict[str, Any]] = {
    "another origin": {"client": {"origin": "https://evil.example.org"}},
    "another type": {"client": {"type": "webauthn.get"}},
    "inside another site": {"client": {"crossOrigin": True}},
    "another challenge": {"client": {"challenge": "AAAA"}},
    "no challenge": {"client": {"challenge": ""}},
    "an attestation nobody asked for": {"fmt": "tpm"},
    "an unknown attestation": {"fmt": "mine"},
    "none, with a statement": {"statement": {"alg": -7, "sig": b"x"}},
    "an attestation that does not hold": {"fmt": "packed", "statement": {"alg": -7, "sig": b"x"}},
    "a kind of key that was not asked for": {"key": {1: 2, 3: -35, -1: 2, -2: bytes(48), -3: bytes(48)}},
    "a key of another type": {"key": {1: 2, 3: -257, -1: 1, -2: bytes(32), -3: bytes(32)}},
    "a point that is not on the curve": {"key": {1: 2, 3: -7, -1: 1, -2: b"\1" * 32, -3: b"\1" * 32}},
    "a short RSA key": {"key": {1: 3, 3: -257, -1: b"\xff" * 64, -2: b"\1\0\1"}},
    "a huge RSA key": {"key": {1: 3, 3: -257, -1: b"\xff" * 1100, -2: b"\1\0\1"}},
    "no key": {"key": {}},
    "a key that is no map": {"key": [1, 2]},
    "malformed CBOR": {"response": {"attestationObject": "_____w"}},
    "CBOR that is no map": {"response": {"attestationObject": "gA"}},
    "deep CBOR": {"response": {"attestationObject": "gYGB" * 2000}},
    "a CBOR length of terabytes": {"response": {"attestationObject": "W____________w"}},
    "no attestation": {"response": {"attestationObject": ""}},
    "padded base64url": {"response": {"attestationObject": "oA=="}},
    "base64": {"response": {"attestationObject": "+/+/"}},
    "not base64": {"response": {"attestationObject": "\u0661\u0662"}},
    "too long an attestation": {"response": {"attestationObject": _long(11_000)}},
    "too long client data": {"client": {"more": "x" * 4096}},
    "client data that are no JSON": {"response": {"clientDataJSON": "AAAA"}},
    "client data that are a list": {"response": {"clientDataJSON": "W10"}},
    "another kind of credential": {"credential": {"type": "password"}},
    "two ids": {"credential": {"rawId": "AAAA"}},
    "another id than the authenticator's": {"credential": {"id": "AAAA", "rawId": "AAAA"}},
    "no id": {"credential": {"id": "", "rawId": ""}},
    "no response": {"credential": {"response": None}},
}  # fmt: skip


@pytest.mark.parametrize("what", sorted(UNFIT_TO_MAKE.keys() - BY_CHALLENGE))
def test_what_no_authenticator_would_make_is_unfit(what: str) -> None:
    with pytest.raises(Unfit):
        made(MARKET, read(authenticator().make(CREATE, **UNFIT_TO_MAKE[what])))


#: What is wrong with an answer of a passkey, as it is changed.
UNFIT_TO_ANSWER: dict[str, dict[str, Any]] = {
    "another origin": {"client": {"origin": "http://market.example.org"}},
    "another type": {"client": {"type": "webauthn.create"}},
    "inside another site": {"client": {"crossOrigin": True}},
    "a challenge of nobody": {"client": {"challenge": "A" * 75}},
    "a foreign signature": {"response": {"signature": "AAAA"}},
    "no signature": {"response": {"signature": ""}},
    "short data": {"response": {"authenticatorData": "AAAA"}},
    "too long data": {"response": {"authenticatorData": _long(1400)}},
    "too long a signature": {"response": {"signature": _long(1400)}},
    "another handle": {"handle": b"x" * 32},
    "an unknown credential": {"credential": {"id": "AAAA", "rawId": "AAAA"}},
}  # fmt: skip


@pytest.mark.parametrize("what", sorted(UNFIT_TO_ANSWER.keys() - BY_CHALLENGE - BY_OWNER))
def test_what_the_passkey_would_not_answer_is_unfit(what: str) -> None:
    key = authenticator()
    public = made(MARKET, read(key.make(CREATE))).key
    with pytest.raises(Unfit):
        answered(MARKET, read(key.answer(GET, **UNFIT_TO_ANSWER[what])), public, alone=False)


def test_an_attestation_with_certificates_of_makers_is_not_even_read() -> None:
    with pytest.raises(Unfit, match="attestation is not taken"):
        made(MARKET, read(authenticator().make(CREATE, fmt="tpm")))


def test_a_good_key_is_taken_for_its_own_algorithm_alone() -> None:
    key = authenticator()
    with pytest.raises(Unfit, match="not of its algorithm"):
        made(MARKET, read(key.make(CREATE, key=key.public | {3: -257})))


_P = 2**255 - 19
_ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD83D3D706A17C7


def _edwards(number: int) -> dict[int, Any]:
    return {1: 1, 3: -8, -1: 6, -2: number.to_bytes(32, "little")}


def _rsa(modulus: int, exponent: bytes = b"\1\0\1") -> dict[int, Any]:
    return {1: 3, 3: -257, -1: modulus.to_bytes((modulus.bit_length() + 7) // 8, "big"), -2: exponent}


_GOOD_RSA = int.from_bytes(KEYS["RS256"]()[0][-1], "big")
#: Keys that are of their kind, and that somebody else could sign for, or nobody.
WEAK: dict[str, dict[int, Any]] = {
    "an RSA key of 1024 bits": _rsa((_GOOD_RSA >> 1024) | 1 << 1023 | 1),
    "an RSA key of 2047 bits": _rsa(_GOOD_RSA >> 1 | 1),
    "an RSA key of 4097 bits": _rsa(1 << 4096 | 1),
    "an even RSA modulus": _rsa(_GOOD_RSA + 1),
    "an RSA modulus with a small factor": _rsa(_GOOD_RSA * 3),
    "an RSA exponent of 1": _rsa(_GOOD_RSA, b"\1"),
    "an RSA exponent of 3": _rsa(_GOOD_RSA, b"\3"),
    "an even RSA exponent": _rsa(_GOOD_RSA, b"\1\0\2"),
    "the P-256 point at infinity": {1: 2, 3: -7, -1: 1, -2: bytes(32), -3: bytes(32)},
    "no point of P-256": {1: 2, 3: -7, -1: 1, -2: b"\1" * 32, -3: b"\1" * 32},
    "P-256 coordinates beyond the prime": {1: 2, 3: -7, -1: 1, -2: b"\xff" * 32, -3: b"\xff" * 32},
    "an Ed25519 key of zeros": _edwards(0),
    "Ed25519's neutral point": _edwards(1),
    "Ed25519's neutral point, with a sign": _edwards(1 | 1 << 255),
    "an Ed25519 point of order 2": _edwards(_P - 1),
    "an Ed25519 point of order 4, with a sign": _edwards(1 << 255),
    "an Ed25519 point of order 8": _edwards(_ORDER_8),
    "another Ed25519 point of order 8": _edwards(_P - _ORDER_8 | 1 << 255),
    "Ed25519's neutral point in another encoding": _edwards(_P + 1),
    "no point of Ed25519": _edwards(2),
}  # fmt: skip


@pytest.mark.parametrize("what", sorted(WEAK))
def test_a_key_that_protects_nothing_is_weak(what: str) -> None:
    with pytest.raises(Weak):
        made(MARKET, read(authenticator().make(CREATE, key=WEAK[what])))


@pytest.mark.parametrize("curve, size", [(2, 48), (3, 66)])
def test_a_key_of_a_curve_that_goes_with_another_algorithm_is_unfit(curve: int, size: int) -> None:
    made_there = ec.generate_private_key({2: ec.SECP384R1(), 3: ec.SECP521R1()}[curve]).public_key().public_numbers()
    key = {1: 2, 3: -7, -1: curve, -2: made_there.x.to_bytes(size, "big"), -3: made_there.y.to_bytes(size, "big")}
    with pytest.raises(Unfit, match="no point of P-256"):
        made(MARKET, read(authenticator().make(CREATE, key=key)))


@pytest.mark.parametrize("size", [MAX_ID, MAX_ID + 1])
def test_an_id_has_as_many_bytes_as_the_standard_allows(size: int) -> None:
    key = authenticator()
    key.id = b"x" * size
    if size > MAX_ID:
        with pytest.raises(Unfit):
            read(key.make(CREATE))
    else:
        assert made(MARKET, read(key.make(CREATE))).id == key.id


def test_an_answer_of_one_kind_is_none_of_the_other() -> None:
    key = authenticator()
    public = made(MARKET, read(key.make(CREATE))).key
    with pytest.raises(Unfit):
        made(MARKET, read(key.answer(GET)))
    with pytest.raises(Unfit):
        answered(MARKET, read(key.make(CREATE)), public, alone=False)


def test_what_the_standard_may_add_is_ignored() -> None:
    text = json.loads(authenticator().make(CREATE))
    text["response"] |= {"publicKey": base64url_of(b"x"), "publicKeyAlgorithm": -7, "tomorrow": [1]}
    assert made(MARKET, read(json.dumps(text | {"tomorrow": None}))).count == 1


@pytest.mark.parametrize(
    ("before", "now", "back"), [(0, 0, False), (0, 1, False), (5, 6, False), (5, 5, True), (5, 4, True), (5, 0, True)]
)
def test_a_counter_that_does_not_grow_tells_of_a_copy(before: int, now: int, back: bool) -> None:
    assert went_back(before, now) == back


@pytest.mark.parametrize(
    ("url", "domain", "cors", "id", "origins"),
    [
        ("https://market.example.org", "", (), "market.example.org", ("https://market.example.org",)),
        ("https://Market.example.org:443", "", (), "market.example.org", ("https://market.example.org",)),
        ("http://127.0.0.1:8080", "", (), "localhost", ("http://localhost:8080",)),
        ("http://[::1]:8080", "", (), "localhost", ("http://localhost:8080",)),
        ("", "", ("*",), "localhost", ("http://localhost",)),
        ("https://api.example.org", "example.org", ("https://Shop.example.org", "*"), "example.org",
         ("https://api.example.org", "https://shop.example.org")),
    ],
)  # fmt: skip
def test_passkeys_are_for_the_market_s_domain_and_the_pages_that_it_lets_in(
    url: str, domain: str, cors: tuple[str, ...], id: str, origins: tuple[str, ...]
) -> None:
    found = party(Settings(public_url=url, passkey_domain=domain, cors_origins=cors))
    assert (found.id, found.origins) == (id, origins)

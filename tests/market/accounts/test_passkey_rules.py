"""What a browser sends of a passkey is read strictly and verified: every way in which it may be unfit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harvestd.kernel.readers import base64url_of
from harvestd.market.accounts.passkey_rules import MAX_ID, Party, Unfit, answered, made, party, read, went_back
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

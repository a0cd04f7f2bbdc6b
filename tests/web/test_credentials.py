"""Who is let in: tokens, roles, and what is answered to the others."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from harvestd.kernel.errors import Unauthenticated
from harvestd.web import signing_keys, tokens
from harvestd.web.context import Caller
from harvestd.web.signing_keys import ALGORITHM
from tests.web.client import Client
from tests.web.conftest import SECRET, token_for
from tests.web.dummies import seen

NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)
CALLER = Caller("0197f0a0-7c1e-7abc-8def-0123456789ab", "buyer", "family")
GOOD = {"iss": "harvestd", "aud": "harvestd-api", "sub": "u", "role": "buyer", "sid": "s", "iat": 0, "exp": 4102444800}


def signed(
    claims: dict[str, Any], key: Any = None, algorithm: str = ALGORITHM, at: datetime | None = None, **header: Any
) -> str:
    """By the key of the time, unless another is given; with its ``kid``, unless ``header`` has another."""
    own = signing_keys.current(SECRET, at or datetime.now(UTC))
    return jwt.encode(claims, key or own.private, algorithm=algorithm, headers={"kid": own.id, **header})


def test_a_token_holds_until_the_second_it_expires() -> None:
    token = tokens.issue(SECRET, CALLER, NOW, 60)
    assert tokens.verify(SECRET, token, NOW + timedelta(seconds=59)) == CALLER
    with pytest.raises(Unauthenticated, match="expired"):
        tokens.verify(SECRET, token, NOW + timedelta(seconds=60))
    assert tokens.verify(SECRET, token, NOW) == CALLER, "whatever was asked of it before"
    with pytest.raises(Unauthenticated):
        tokens.verify(SECRET + "x", token, NOW)


def test_a_token_outlives_the_change_of_its_key_and_a_new_key_is_known_beforehand() -> None:
    issued = tokens.issue(SECRET, CALLER, NOW, 86_400)
    own = jwt.get_unverified_header(issued)["kid"]
    there = [
        {key["kid"] for key in signing_keys.public_set(SECRET, NOW + n * signing_keys.PERIOD)} for n in (-1, 0, 1, 2)
    ]
    assert [own in keys for keys in there] == [True, True, True, False]
    end = datetime.fromtimestamp((int(NOW.timestamp() // 2592000) + 1) * 2592000, UTC)
    last = tokens.issue(SECRET, CALLER, end - timedelta(seconds=1), 900)
    assert tokens.verify(SECRET, last, end + timedelta(seconds=800)) == CALLER
    assert (
        jwt.get_unverified_header(tokens.issue(SECRET, CALLER, end, 900))["kid"]
        != jwt.get_unverified_header(last)["kid"]
    )


def test_others_verify_tokens_by_the_published_keys() -> None:
    """As any JWT library does: by ``kid``."""
    token = tokens.issue(SECRET, CALLER, NOW, 60)
    keys = {key["kid"]: key for key in signing_keys.public_set(SECRET, NOW)}
    key = jwt.PyJWK(keys[jwt.get_unverified_header(token)["kid"]])
    claims = jwt.decode(
        token, key.key, [ALGORITHM], audience="harvestd-api", options={"verify_exp": False, "verify_iat": False}
    )
    assert (claims["sub"], claims["role"]) == (CALLER.user_id, "buyer")
    assert all("d" not in one for one in keys.values()), "no private part"


@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_clocks_may_differ_by_five_seconds(claim: str) -> None:
    then = int(NOW.timestamp())
    token = signed({**GOOD, claim: then + 5}, at=NOW)
    assert tokens.verify(SECRET, token, NOW)
    with pytest.raises(Unauthenticated, match="clocks"):
        tokens.verify(SECRET, token, NOW - timedelta(seconds=1))


def test_what_is_remembered_of_tokens_is_bounded_and_sound() -> None:
    """Who sends a million tokens that do not hold takes no memory."""
    tokens._read.cache_clear()
    token = tokens.issue(SECRET, CALLER, NOW, 60)
    for number in range(100):
        with pytest.raises(Unauthenticated):
            tokens.verify(SECRET, f"{token}{number}", NOW)
    assert tokens._read.cache_info().currsize == 0
    for number in range(5000):
        tokens.verify(SECRET, tokens.issue(SECRET, CALLER, NOW, 60 + number), NOW)
    assert tokens._read.cache_info().currsize == 4096


def _unsigned() -> str:
    parts = [json.dumps({"alg": "none", "typ": "JWT"}), json.dumps(GOOD)]
    return ".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts) + "."


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def _rsa() -> str:
    return signed(GOOD, _key(), "RS256")


def _swapped() -> str:
    """RS/HS swap: signed with HMAC under a public key, in case the server would take one for its secret."""
    pem = _key().public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    head = {"alg": "HS256", "kid": signing_keys.current(SECRET, datetime.now(UTC)).id}
    header, payload = (base64.urlsafe_b64encode(json.dumps(x).encode()).rstrip(b"=") for x in (head, GOOD))
    mac = hmac.new(pem, header + b"." + payload, hashlib.sha256).digest()
    return b".".join([header, payload, base64.urlsafe_b64encode(mac).rstrip(b"=")]).decode()


def _spelt_otherwise(token: str) -> str:
    """The same signature: its last character stands for four bits and two that are ignored."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + letters[letters.index(token[-1]) ^ 1]


FORGED = {
    "none": _unsigned,
    "RS256": _rsa,
    "RS/HS swap": _swapped,
    "HS256 with the secret": lambda: signed(GOOD, SECRET, "HS256"),
    "HS384 with the secret": lambda: signed(GOOD, SECRET, "HS384"),
    "another secret": lambda: signed(GOOD, signing_keys.current("another secret", datetime.now(UTC)).private),
    "another secret's key": lambda: jwt.encode(
        GOOD, (key := signing_keys.current("another secret", datetime.now(UTC))).private, ALGORITHM, {"kid": key.id}
    ),
    "an old key": lambda: signed(GOOD, at=datetime.now(UTC) - 2 * signing_keys.PERIOD),
    "a key of far away": lambda: signed(GOOD, at=datetime.now(UTC) + 2 * signing_keys.PERIOD),
    "no kid": lambda: jwt.encode(GOOD, signing_keys.current(SECRET, datetime.now(UTC)).private, ALGORITHM),
    "kid is long": lambda: signed(GOOD, kid="1" * 5000),
    "kid is another's": lambda: signed(GOOD, kid="1-0000000000000000"),
    "kid has a path": lambda: signed(GOOD, kid="../../secret"),
    "act is no object": lambda: signed({**GOOD, "act": "admin"}),
    "act is nobody": lambda: signed({**GOOD, "act": {"sub": ["admin"]}}),
    "wrong audience": lambda: signed({**GOOD, "aud": "elsewhere"}),
    "wrong issuer": lambda: signed({**GOOD, "iss": "elsewhere"}),
    "expired": lambda: signed({**GOOD, "exp": 1}),
    "exp is no time": lambda: signed({**GOOD, "exp": 10**30}),
    "exp is text": lambda: signed({**GOOD, "exp": "4102444800"}),
    "exp is NaN": lambda: signed({**GOOD, "exp": float("nan")}),
    "iat is a truth": lambda: signed({**GOOD, "iat": True}),
    "issued in a minute": lambda: signed({**GOOD, "iat": int(datetime.now(UTC).timestamp()) + 60}),
    "not before a minute from now": lambda: signed({**GOOD, "nbf": int(datetime.now(UTC).timestamp()) + 60}),
    "padded": lambda: signed(GOOD) + "=",
    "padded in the middle": lambda: signed(GOOD).replace(".", "=.", 1),
    "a bit that stands for nothing": lambda: _spelt_otherwise(signed(GOOD)),
    "a line feed in it": lambda: signed(GOOD)[:-5] + "%0A" + signed(GOOD)[-5:],
    "unknown role": lambda: signed({**GOOD, "role": "root"}),
    "role is a list": lambda: signed({**GOOD, "role": ["admin"]}),
    **{f"no {name}": (lambda name=name: signed({k: v for k, v in GOOD.items() if k != name})) for name in GOOD},
    "not a token": lambda: "hello",
    "empty": lambda: "",
}


@pytest.mark.parametrize("how", FORGED)
async def test_tokens_that_do_not_hold_are_401(client: Client, how: str) -> None:
    """On a public route too: nobody shall believe themselves signed in who is not."""
    for path in ("/api/mine", "/api/list"):
        response = await client.get(path, headers={"Authorization": f"Bearer {FORGED[how]()}"})
        assert response.status == 401
        assert response.headers["www-authenticate"] == 'Bearer realm="harvestd", error="invalid_token"'
        assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("value", ["Basic dTpw", "Bearer", "token"])
async def test_other_schemes_are_401(client: Client, value: str) -> None:
    assert (await client.get("/api/mine", headers={"Authorization": value})).status == 401


async def test_a_good_token_signs_in(client: Client) -> None:
    assert (await client.signed_in(token_for("u1", "farmer")).get("/api/farm")).status == 204
    token = token_for("u1")
    assert (await client.get("/api/mine", headers={"Authorization": f"bearer {token}"})).status == 204
    assert seen.calls[-1].user == Caller("u1", "buyer", "u1")


@pytest.mark.parametrize(
    "role, path, status",
    [
        (None, "/api/mine", 401), (None, "/api/admin", 401), ("buyer", "/api/admin", 403), ("farmer", "/api/admin", 403),
        ("admin", "/api/admin", 204), ("buyer", "/api/farm", 403), ("farmer", "/api/farm", 204), ("buyer", "/api/mine", 204),
    ],
)  # fmt: skip
async def test_routes_are_for_their_roles(client: Client, role: str | None, path: str, status: int) -> None:
    caller = client if role is None else client.signed_in(token_for("u", role))
    response = await caller.get(path)
    assert response.status == status
    if status == 401:
        assert response.headers["www-authenticate"] == 'Bearer realm="harvestd"'


async def test_signing_in_again_with_an_expired_token_along_works(client: Client) -> None:
    """Clients attach what they have; routes for signing in do not look at it."""
    assert (await client.signed_in(token_for("u", ttl=-1)).post("/api/login")).status == 204

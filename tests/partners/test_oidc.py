"""An OpenID Connect issuer: what is believed of it, and what is not; and how long it is waited for."""

from __future__ import annotations

import json
import math
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from twisted.internet import reactor

from harvestd.interfaces import Attempt, Identity, IIssuer, IssuerAway
from harvestd.kernel.errors import IdentityRefused
from harvestd.partners import oidc_directory, oidc_patience
from harvestd.partners.oidc import OidcIssuer
from harvestd.partners.oidc_http import MOST, IssuerHttp, usable
from harvestd.partners.oidc_tokens import key_of
from servers.ports import free_port
from tests.issuer import CLIENT, SECRET, SmallIssuer

BACK = "http://127.0.0.1:8080/api/auth/google/callback"
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SMALL = rsa.generate_private_key(public_exponent=65537, key_size=1024)


@pytest.fixture
def small() -> Iterator[SmallIssuer]:
    with SmallIssuer() as found:
        yield found


class Seconds:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def issuer_of(small: SmallIssuer, seconds: Callable[[], float] | None = None, **more: Any) -> OidcIssuer:
    given = {"issuer": small.url, "client_id": CLIENT, "client_secret": SECRET} | more
    return OidcIssuer(reactor, **given, now=lambda: datetime.now(UTC), http=IssuerHttp(reactor, 0.5), seconds=seconds)


def attempt() -> Attempt:
    return Attempt(BACK, *(secrets.token_urlsafe(32) for _ in range(3)))


async def signed_in(issuer: OidcIssuer, small: SmallIssuer, **person: Any) -> Identity:
    """Somebody signs in there."""
    one = attempt()
    back = small.visit(await issuer.address(one), **person)
    given = {name: value[0] for name, value in parse_qs(urlsplit(back).query).items()}
    assert given["state"] == one.state
    return await issuer.identity(one, given["code"])


async def test_who_signed_in_there_is_known_here(small: SmallIssuer) -> None:
    issuer = issuer_of(small)
    assert IIssuer.providedBy(issuer)
    assert await signed_in(issuer, small) == Identity(small.url, "1", "ivy@example.org", True, "Ivy Irwin")


@pytest.mark.parametrize("methods", [None, ["client_secret_post"], ["client_secret_post", "client_secret_basic"]])
async def test_the_secret_is_sent_as_the_issuer_says(small: SmallIssuer, methods: list[str] | None) -> None:
    small.document = {} if methods is None else {"token_endpoint_auth_methods_supported": methods}
    assert (await signed_in(issuer_of(small), small)).subject == "1"


async def test_an_address_of_the_issuer_may_have_parameters_already(small: SmallIssuer) -> None:
    small.document = {"authorization_endpoint": f"{small.url}/authorize?tenant=7"}
    assert "?tenant=7&response_type=code&" in await issuer_of(small).address(attempt())


# --- tokens that are not believed ---


def _by(algorithm: str, key: Any, **more: Any) -> Callable[[SmallIssuer], Any]:
    def arrange(small: SmallIssuer) -> None:
        def sign(claims: dict[str, Any], header: dict[str, Any]) -> str:
            return jwt.encode(claims, key, algorithm, headers={"kid": "first", **more, **header})

        small.sign = sign

    return arrange


def _claims(**changed: Any) -> Callable[[SmallIssuer], Any]:
    def arrange(small: SmallIssuer) -> None:
        def change(claims: dict[str, Any], header: dict[str, Any]) -> None:
            for name, value in changed.items():
                if value is None:
                    claims.pop(name, None)
                else:
                    claims[name] = value() if callable(value) else value

        small.change = change

    return arrange


def _swapped(small: SmallIssuer) -> None:
    """HS256 by what everybody can read: the public key."""
    from cryptography.hazmat.primitives import serialization

    public = small.keys["first"].public_key()
    text = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def sign(claims: dict[str, Any], header: dict[str, Any]) -> str:
        import base64
        import hashlib
        import hmac

        words = b".".join(
            base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
            for part in ({"alg": "HS256", "typ": "JWT", "kid": "first"}, claims)
        )
        seal = base64.urlsafe_b64encode(hmac.digest(text, words, hashlib.sha256)).rstrip(b"=")
        return (words + b"." + seal).decode()

    small.sign = sign


def _none(small: SmallIssuer) -> None:
    small.sign = lambda claims, header: jwt.encode(claims, None, "none")


def _text(text: Any) -> Callable[[SmallIssuer], Any]:
    return lambda small: setattr(small, "sign", lambda claims, header: text)


def _ago(seconds: int) -> Callable[[], int]:
    return lambda: int(time.time()) - seconds


FORGED: dict[str, Callable[[SmallIssuer], Any]] = {
    "by no algorithm": _none,
    "by the public key as a secret": _swapped,
    "by a secret that is among the keys": _by("HS256", b"shared", kid="shared"),
    "by the client's secret": _by("HS256", SECRET.encode()),
    "by another's key": _by("RS256", STRANGER),
    "by a key that is not there": _by("RS256", STRANGER, kid="unknown"),
    "by a key that came along": _by("RS256", STRANGER, jwk={"kty": "RSA"}, jku="http://127.0.0.1/keys"),
    "with a header that must be understood": lambda s: setattr(s, "change", lambda c, h: h.update(crit=["x"], x=1)),
    "of another issuer": _claims(iss="https://evil.example"),
    "of the issuer with a slash": lambda s: _claims(iss=s.url + "/")(s),
    "of no issuer": _claims(iss=None),
    "for another": _claims(aud="another market"),
    "for others": _claims(aud=["another market", "a third"]),
    "for nobody": _claims(aud=None),
    "for several, and nobody in particular": _claims(aud=[CLIENT, "another market"]),
    "for several, and another in particular": _claims(aud=[CLIENT, "another market"], azp="another market"),
    "issued to another": _claims(azp="another market"),
    "that has expired": _claims(exp=_ago(61)),
    "that never expires": _claims(exp=None),
    "that expires at no time": _claims(exp=True),
    "that expires at a number that is none": _claims(exp=math.nan),
    "that expires at infinity": _claims(exp=math.inf),
    "that expires after all time": _claims(exp=10**400),
    "from before all time": _claims(iat=-(10**400)),
    "from a number that is none": _claims(iat=math.nan),
    "from the future": _claims(iat=_ago(-90)),
    "from no time": _claims(iat=None),
    "from long ago": _claims(iat=_ago(700)),
    "that is not good yet": _claims(nbf=_ago(-90)),
    "of another sign-in": _claims(nonce="x" * 43),
    "of no sign-in": _claims(nonce=None),
    "with an odd nonce": _claims(nonce=["x"]),
    "of nobody": _claims(sub=None),
    "of an empty somebody": _claims(sub=""),
    "of half a character": _claims(sub="a\ud800"),
    "of a number": _claims(sub=7),
    "of somebody endless": _claims(sub="x" * 256),
    "of somebody with a NUL": _claims(sub="a\x00b"),
    "that is no token": _text("a.b.c"),
    "that is no text": _text(7),
    "that is not there": _text(None),
    "that is deep": _text("." * 5000),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
async def test_a_token_is_not_believed(small: SmallIssuer, name: str) -> None:
    FORGED[name](small)
    with pytest.raises(IdentityRefused):
        await signed_in(issuer_of(small), small)


TAKEN: dict[str, Callable[[SmallIssuer], Any]] = {
    "for several, and this one in particular": _claims(aud=[CLIENT, "another"], azp=CLIENT),
    "for a list of one": _claims(aud=[CLIENT]),
    "by a clock that is slow": _claims(exp=_ago(55), iat=_ago(400)),
    "by a clock that is fast": _claims(iat=_ago(-55), nbf=_ago(-55)),
}


@pytest.mark.parametrize("name", TAKEN)
async def test_a_token_is_believed(small: SmallIssuer, name: str) -> None:
    TAKEN[name](small)
    assert (await signed_in(issuer_of(small), small)).subject == "1"


def test_a_key_is_for_one_kind_of_algorithm() -> None:
    def shown(key: rsa.RSAPrivateKey, **more: Any) -> dict[str, Any]:
        return jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) | more

    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    point = jwt.algorithms.ECAlgorithm.to_jwk(curve, as_dict=True) | {"kid": "p"}
    good = shown(STRANGER, kid="a")
    assert key_of([good, point], "a", "RS256") and key_of([good, point], "p", "ES256")
    assert key_of([good], None, "PS256"), "the only one"
    for keys, kid, algorithm in (
        ([good], "b", "RS256"), ([good], "a", "ES256"), ([point], "p", "RS256"), ([good, good], "a", "RS256"), ([good, good], None, "RS256"),
        ([good | {"use": "enc"}], "a", "RS256"), ([good | {"alg": "RS512"}], "a", "RS256"), ([shown(SMALL, kid="a")], "a", "RS256"),
        ([{"kty": "RSA", "kid": "a"}], "a", "RS256"), ([{"kty": "EC", "kid": "a", "crv": "P-256", "x": 7}], "a", "ES256"), (["x", None, 7], None, "RS256"),
    ):  # fmt: skip
        assert key_of(keys, kid, algorithm) is None, (keys, kid, algorithm)


# --- codes ---


async def test_a_code_of_another_attempt_is_no_good(small: SmallIssuer) -> None:
    """The verifier is not the one that its challenge was made of (PKCE)."""
    issuer, one, other = issuer_of(small), attempt(), attempt()
    back = small.visit(await issuer.address(one))
    code = parse_qs(urlsplit(back).query)["code"][0]
    with pytest.raises(IdentityRefused):
        await issuer.identity(other, code)


async def test_who_comes_from_another_issuer_is_sent_away_before_the_code_is(small: SmallIssuer) -> None:
    """RFC 9207."""
    issuer = issuer_of(small)
    with pytest.raises(IdentityRefused):
        await issuer.identity(attempt(), "x", "https://evil.example")
    small.document = {"authorization_response_iss_parameter_supported": True}
    with pytest.raises(IdentityRefused):
        await issuer_of(small).identity(attempt(), "x")
    assert small.asked["/token"] == 0


async def test_an_issuer_that_does_not_know_this_market_is_the_operator_s_matter(small: SmallIssuer) -> None:
    with pytest.raises(IssuerAway, match="invalid_client"):
        await signed_in(issuer_of(small, client_secret="wrong"), small)


# --- UserInfo ---


async def test_userinfo_is_believed_of_the_same_person_alone(small: SmallIssuer) -> None:
    _claims(email=None, email_verified=None, name=None)(small)
    assert (await signed_in(issuer_of(small), small)).email == "ivy@example.org"
    small.told = {"sub": "2", "email": "evil@example.org", "email_verified": True}
    with pytest.raises(IdentityRefused):
        await signed_in(issuer_of(small), small)


async def test_what_the_token_says_is_not_mixed_with_what_userinfo_says(small: SmallIssuer) -> None:
    _claims(email=None, email_verified=True)(small)
    small.told = {"sub": "1", "email": "evil@example.org"}
    assert not (await signed_in(issuer_of(small), small)).email_verified


# --- what is kept ---


async def test_what_an_issuer_says_of_itself_is_kept_for_an_hour(small: SmallIssuer) -> None:
    seconds = Seconds()
    issuer = issuer_of(small, seconds)
    for _ in range(3):
        await signed_in(issuer, small)
    assert (small.asked["/.well-known/openid-configuration"], small.asked["/keys"]) == (1, 1)
    seconds.now += oidc_directory.LIFE
    await signed_in(issuer, small)
    assert (small.asked["/.well-known/openid-configuration"], small.asked["/keys"]) == (2, 2)


async def test_a_new_key_is_looked_for_once_a_minute(small: SmallIssuer) -> None:
    seconds = Seconds()
    issuer = issuer_of(small, seconds)
    await signed_in(issuer, small)
    small.rotate()
    assert (await signed_in(issuer, small)).subject == "1", "at once"
    _by("RS256", STRANGER, kid="unknown")(small)
    for _ in range(3):
        with pytest.raises(IdentityRefused):
            await signed_in(issuer, small)
    assert small.asked["/keys"] == 2
    seconds.now += oidc_directory.AGAIN
    with pytest.raises(IdentityRefused):
        await signed_in(issuer, small)
    assert small.asked["/keys"] == 3


async def test_a_key_that_was_withdrawn_is_not_believed_for_longer(small: SmallIssuer) -> None:
    seconds = Seconds()
    issuer = issuer_of(small, seconds)
    await signed_in(issuer, small)
    stolen = small.keys["first"]
    small.rotate()
    _by("RS256", stolen)(small)
    seconds.now += oidc_directory.LIFE
    with pytest.raises(IdentityRefused):
        await signed_in(issuer, small)


# --- issuers that cannot be used ---

ODD: dict[str, dict[str, Any]] = {
    "is another": {"issuer": "https://evil.example"},
    "is nobody": {"issuer": None},
    "asks for codes in the clear": {"token_endpoint": "http://market.example/token"},
    "has keys in the clear": {"jwks_uri": "http://10.0.0.1/keys"},
    "sends browsers to a script": {"authorization_endpoint": "javascript:alert(1)"},
    "sends browsers to a header": {"authorization_endpoint": "https://a.example/\r\nSet-Cookie: x"},
    "has no address": {"token_endpoint": None},
    "has a file of keys": {"jwks_uri": "file:///etc/passwd"},
}


@pytest.mark.parametrize("name", ODD)
async def test_an_issuer_is_not_used_that(small: SmallIssuer, name: str) -> None:
    small.document = ODD[name]
    with pytest.raises(IssuerAway):
        await issuer_of(small).address(attempt())


@pytest.mark.parametrize(
    ("url", "issuer", "good"),
    [
        ("https://a.example/x", "https://a.example", True), ("https://b.example/x?y=z", "https://a.example", True),
        ("http://a.example/x", "https://a.example", False), ("http://127.0.0.1/x", "https://a.example", False),
        ("http://127.0.0.1:1/x", "http://127.0.0.1:1", True), ("http://[::1]/x", "http://localhost", True),
        ("http://a.example/x", "http://127.0.0.1", False), ("https://u:p@a.example/", "https://a.example", False),
        ("https:///x", "https://a.example", False), ("https://a.example/#x", "https://a.example", False),
        ("https://a.example:99999/", "https://a.example", False), ("https://ü.example/", "https://a.example", False), (None, "https://a.example", False),
    ],
)  # fmt: skip
def test_codes_and_keys_go_by_tls_but_on_this_machine(url: object, issuer: str, good: bool) -> None:
    assert usable(url, issuer) == good


async def test_no_redirect_is_followed_and_no_endless_answer_is_read(small: SmallIssuer) -> None:
    small.document = {"filling": "x" * MOST}
    with pytest.raises(IssuerAway, match="more than"):
        await issuer_of(small).address(attempt())
    small.answer = lambda path, form, authorization: (302, {})  # type: ignore[method-assign]
    with pytest.raises(IssuerAway, match="302"):
        await issuer_of(small).address(attempt())


# --- issuers that do not answer ---


async def test_a_dead_issuer_is_away_at_once(small: SmallIssuer) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(IssuerAway):
        await issuer_of(small, issuer=dead).address(attempt())


async def test_a_slow_issuer_is_waited_for_so_long_and_no_longer(small: SmallIssuer) -> None:
    issuer = issuer_of(small)
    small.slow = 1.2  # the client waits for half a second
    began = time.monotonic()
    with pytest.raises(IssuerAway):
        await issuer.address(attempt())
    assert time.monotonic() - began < 1.1


async def test_all_that_a_sign_in_asks_has_one_time_together(
    small: SmallIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer = issuer_of(small)
    one = attempt()
    back = small.visit(await issuer.address(one))
    monkeypatch.setattr(oidc_patience, "LIMIT", 0.6)
    small.slow = 0.4  # for the token, and again for the keys
    with pytest.raises(IssuerAway, match=r"0\.6"):
        await issuer.identity(one, parse_qs(urlsplit(back).query)["code"][0])


async def test_an_issuer_that_does_not_answer_is_left_alone_for_longer_and_longer(small: SmallIssuer) -> None:
    seconds = Seconds()
    issuer = issuer_of(small, seconds)
    small.broken = True
    for _ in range(oidc_patience.FAILURES):
        assert (await issuer.condition()).state == "ok"
        with pytest.raises(IssuerAway):
            await issuer.address(attempt())
    assert small.asked.total() == oidc_patience.FAILURES
    pauses = []
    for _ in range(8):
        assert (await issuer.condition()).state == "degraded"
        with pytest.raises(IssuerAway) as away:
            await issuer.address(attempt())
        pauses.append(away.value.retry_after)
        seconds.now += away.value.retry_after
        with pytest.raises(IssuerAway):
            await issuer.address(attempt())
    assert (
        pauses[0] == oidc_patience.FIRST_PAUSE and pauses[-1] == oidc_patience.LAST_PAUSE and pauses == sorted(pauses)
    )
    assert small.asked.total() == oidc_patience.FAILURES + 8, "once after each pause"
    small.broken = False
    seconds.now += oidc_patience.LAST_PAUSE
    assert (await signed_in(issuer, small)).subject == "1" and (await issuer.condition()).state == "ok"


async def test_who_asks_at_once_shares_one_answer(small: SmallIssuer) -> None:
    from twisted.internet.defer import Deferred

    issuer = issuer_of(small)
    asking = [Deferred.fromCoroutine(issuer.address(attempt())) for _ in range(5)]
    asking[0].cancel()
    asking[0].addErrback(lambda failure: None)
    assert all([(await one).startswith(small.url) for one in asking[1:]]), "whoever began it"
    assert small.asked.total() == 1

"""A small OpenID Connect issuer on a real port, that signs what it is told: for tokens that no certified issuer would give.

It keeps the rules that a market has to keep, too: one redirect URI, PKCE by S256, codes that are good once, the client's secret.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

CLIENT, SECRET = "the market", "a secret: with + and % and ü"
#: Made once: it takes a tenth of a second.
_KEYS = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2)]


class SmallIssuer:
    """Whoever comes is ``person``. ``change`` alters the claims and the header of the next tokens, ``sign`` signs them instead of the key;
    ``document`` alters discovery, ``slow`` delays every answer by so many seconds, and ``broken`` has every answer be a 500 without JSON."""

    def __init__(self) -> None:
        self.person: dict[str, Any] = {
            "sub": "1",
            "email": "ivy@example.org",
            "email_verified": True,
            "name": "Ivy Irwin",
        }
        self.keys: dict[str, RSAPrivateKey] = {"first": _KEYS[0]}
        self.change: Callable[[dict[str, Any], dict[str, Any]], Any] = lambda claims, header: None
        self.sign: Callable[[dict[str, Any], dict[str, Any]], str] = self.signed
        self.document: dict[str, Any] = {}
        self.told: dict[str, Any] | None = None
        self.slow, self.broken = 0.0, False
        self.asked: Counter[str] = Counter()
        self._codes: dict[str, dict[str, str]] = {}
        self._tokens: dict[str, dict[str, Any]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def settings(self) -> dict[str, str]:
        """Of a market that signs people in by it."""
        return {"oidc_issuer": self.url, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET}

    def rotate(self) -> None:
        """Another key, and the former one is gone."""
        self.keys = {"second": _KEYS[1]}

    def visit(self, address: str, **person: Any) -> str:
        """What a browser does that is sent there: somebody signs in, and it is sent back. Returns to where."""
        given = {name: value[0] for name, value in parse_qs(urlsplit(address).query).items()}
        assert urlsplit(address).path == "/authorize" and given["client_id"] == CLIENT, address
        assert given["response_type"] == "code" and "openid" in given["scope"].split(), address
        assert given["code_challenge_method"] == "S256" and len(given["nonce"]) > 40 < len(given["state"]), address
        code = secrets.token_urlsafe(8)
        self._codes[code] = given | {"person": json.dumps(self.person | person)}
        return f"{given['redirect_uri']}?{urlencode({'code': code, 'state': given['state'], 'scope': 'openid', 'authuser': '0'})}"

    def signed(self, claims: dict[str, Any], header: dict[str, Any]) -> str:
        """By the newest key."""
        kid, key = next(iter(self.keys.items()))
        return jwt.encode(claims, key, "RS256", headers={"kid": kid, **header})

    # --- what is asked ---

    def described(self) -> dict[str, Any]:
        return {
            "issuer": self.url, "authorization_endpoint": f"{self.url}/authorize", "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys", "userinfo_endpoint": f"{self.url}/me",
        } | self.document  # fmt: skip

    def key_set(self) -> dict[str, Any]:
        shown = [{"kid": kid, "use": "sig", **_public(key)} for kid, key in self.keys.items()]
        return {"keys": [*shown, {"kty": "oct", "kid": "shared", "k": "c2hhcmVk", "alg": "HS256"}]}

    def exchanged(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        given = form.get("client_id", ""), form.get("client_secret", "")
        if authorization.startswith("Basic "):
            user, _, password = base64.b64decode(authorization[6:]).decode().partition(":")
            given = unquote_plus(user), unquote_plus(password)
        if given != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        begun = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if not begun or begun["code_challenge"] != challenge or begun["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        person, now = json.loads(begun["person"]), int(time.time())
        claims: dict[str, Any] = {
            "iss": self.url,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": begun["nonce"],
            **person,
        }
        header: dict[str, Any] = {}
        self.change(claims, header)
        access = secrets.token_urlsafe(8)
        self._tokens[access] = person if self.told is None else self.told
        return 200, {"access_token": access, "token_type": "Bearer", "id_token": self.sign(claims, header)}

    def answer(self, path: str, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        if path == "/token":
            return self.exchanged(form, authorization)
        if path == "/me":
            found = self._tokens.get(authorization.removeprefix("Bearer "))
            return (200, found) if found else (401, {})
        pages = {"/.well-known/openid-configuration": self.described, "/keys": self.key_set}
        return (200, pages[path]()) if path in pages else (404, {})


def _public(key: RSAPrivateKey) -> dict[str, Any]:
    found: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return found


def _handler(issuer: SmallIssuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            issuer.asked[path] += 1
            if path == "/authorize":  # a browser; who it is comes with it
                given = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
                self.send_response(302)
                self.send_header(
                    "Location", issuer.visit(self.path, **{n: given[n] for n in ("sub", "email") if n in given})
                )
                self.send_header("Content-Length", "0")
                return self.end_headers()
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            time.sleep(issuer.slow)
            status, found = issuer.answer(path, form, self.headers.get("Authorization", ""))
            content = b"out of order" if issuer.broken else json.dumps(found).encode()
            try:
                self.send_response(500 if issuer.broken else status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                pass  # whoever asked has gone

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    return Handler

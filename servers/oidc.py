"""oidc-provider, a certified OpenID Connect issuer, for tests: npm's, in ``.tools/issuer/``."""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from servers.private import PrivateServer, absent, needed

FOLDER = Path(__file__).with_name("issuer")
INSTALLED = Path(__file__).parent.parent / ".tools" / "issuer"
CLIENT, SECRET = "harvestd tests", "a secret: of + % & 32 characters"
_REDIRECTS = frozenset({302, 303})


def install() -> None:
    """Install what ``issuer/package.json`` names, unless it is there. Raises ``RuntimeError`` that says why that cannot be done."""
    wanted, stamp = FOLDER / "package.json", INSTALLED / "installed.json"
    if stamp.exists() and stamp.read_bytes() == wanted.read_bytes():
        return
    if not shutil.which("npm"):
        raise RuntimeError("npm is missing")
    INSTALLED.mkdir(parents=True, exist_ok=True)
    shutil.copy(wanted, INSTALLED / "package.json")
    print("Installing an OpenID Connect issuer into .tools/issuer ...", file=sys.stderr, flush=True)
    quiet = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--loglevel=error"]
    done = subprocess.run(["npm", "install", *quiet], cwd=INSTALLED, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"npm install failed: {done.stderr[-2000:]}")
    shutil.copy(wanted, stamp)


class OidcServer(PrivateServer):
    """One issuer on a free port, whose client is the market under ``public_url``. ``method`` is how that authenticates, ``in_token`` whether
    the address is in the id token, rather than in UserInfo."""

    name = "issuer"
    patience = 20.0

    def __init__(self, public_url: str, *, method: str = "client_secret_basic", in_token: bool = False) -> None:
        super().__init__()
        self.program = needed("node", "nodejs")
        if not (INSTALLED / "node_modules" / "oidc-provider").exists():
            absent("oidc-provider is not in .tools/issuer: make install-servers")
        self.public_url, self.method, self.in_token = public_url, method, in_token
        self.key = _key("first")

    @property
    def url(self) -> str:
        """As oidc_issuer."""
        return f"http://127.0.0.1:{self.port}"

    def rotate(self) -> None:
        """Begin again with another key: what the former one signed is good no more."""
        self.kill()
        self.key = _key("second")
        self.start()

    def command(self) -> list[str]:
        """Node.js, with its configuration in a file."""
        client = {
            "client_id": CLIENT, "client_secret": SECRET, "redirect_uris": [f"{self.public_url}/api/auth/google/callback"],
            "grant_types": ["authorization_code"], "response_types": ["code"], "token_endpoint_auth_method": self.method,
        }  # fmt: skip
        given = {
            "issuer": self.url, "port": self.port, "client": client, "key": self.key, "in_token": self.in_token,
            "modules": f"{INSTALLED}/",
        }  # fmt: skip
        path = self.folder / "issuer.json"
        path.write_text(json.dumps(given), "utf-8")
        return [self.program, str(FOLDER / "issuer.mjs"), str(path)]

    def answers(self) -> bool:
        """Its description."""
        return self._ask("GET", f"{self.url}/.well-known/openid-configuration", {})[0] == 200

    def visit(self, address: str, login: str) -> str:
        """What a browser does that is sent there, blocking: somebody signs in and agrees. Returns to where it is sent back."""
        cookies: dict[str, str] = {}
        steps = iter(({"prompt": "login", "login": login, "password": "x"}, {"prompt": "consent"}))
        for _ in range(12):
            if address.startswith(self.public_url):
                return address
            status, headers, body = self._ask("GET", address, cookies)
            if status == 200:  # a form
                status, headers, body = self._ask("POST", address, cookies, urlencode(next(steps)))
            assert status in _REDIRECTS, (status, body)
            address = urljoin(address, headers["Location"])
        raise AssertionError(f"sent around: {address}")

    def _ask(
        self, method: str, address: str, cookies: dict[str, str], body: str | None = None
    ) -> tuple[int, Any, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        parts = urlsplit(address)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, f"{parts.path}?{parts.query}" if parts.query else parts.path, body, headers)
            answer = connection.getresponse()
            for line in answer.headers.get_all("Set-Cookie") or ():
                name, _, value = line.partition(";")[0].partition("=")
                cookies[name] = value
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()


def _key(kid: str) -> dict[str, Any]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return {"kid": kid, "use": "sig", "alg": "RS256", **jwt.algorithms.RSAAlgorithm.to_jwk(private, as_dict=True)}

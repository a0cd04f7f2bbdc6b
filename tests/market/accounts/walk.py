"""The operations of accounts, each once, as a person of the demo would ask for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp

from tests.daemons import request
from tests.market.accounts.authenticator import Authenticator
from tests.openapi.steps import ADMIN, BUYER, FAY, Step

ADA = {"email": "ada@example.org", "password": "carrots by the kilogram"}
#: Somebody whose account ends on the way.
CARL = {"email": "carl@example.org", "password": "turnips by the dozen"}
#: Somebody who takes a rest.
DORA = {"email": "dora@example.org", "password": "dill by the bunch, please"}
HOME = "0197f0a0-7c1e-7abc-8def-0123456789ab"

#: A picture of a green square, in base64.
FACE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAIAQMAAAD+wSzIAAAAA1BMVEUAgACc+aWRAAAAC0lEQVR42mNgQAUAABAAAaoZ+IIAAAAASUVORK5CYII="
)


def _blob(ask: Callable[..., Any], known: dict[str, Any]) -> dict[str, Any]:
    """Where the picture is."""
    return {"blob": {"id": known["putAvatar"]["avatar"]["sizes"]["small"]["webp"].split("/")[3]}}


def _carl(ask: Callable[..., Any], known: dict[str, Any]) -> dict[str, Any]:
    return {
        "carl": ask("POST", "/api/auth/register", CARL | {"username": "carl", "name": "Carl Corn", "role": "buyer"})
    }


def _dora(ask: Callable[..., Any], known: dict[str, Any]) -> dict[str, Any]:
    return {
        "dora": ask("POST", "/api/auth/register", DORA | {"username": "dora", "name": "Dora Dill", "role": "buyer"})
    }


def _elsewhere(ask: Callable[..., Any], known: dict[str, Any]) -> dict[str, Any]:
    """Carl signs in on another device."""
    other = ask("POST", "/api/auth/login", CARL)
    return {"device": ask("GET", "/api/users/me/sessions", None, other["access_token"])["items"][0]}


def _shown(ask: Callable[..., Any], known: dict[str, Any]) -> dict[str, Any]:
    """What Carl's authenticator shows."""
    return {"shown": {"code": pyotp.TOTP(known["setUpSecondFactor"]["secret"]).now()}}


def _linked(ask: Callable[..., Any], known: dict[str, Any]) -> dict[str, Any]:
    """Ada asks for another mail, beside the one that she has."""
    first = known["mail"]["ada"]["link"]
    ask("POST", "/api/auth/link", {"email": "ada@example.org"})
    end = time.monotonic() + 20
    while (second := known["mail"]["ada"]["link"]) == first and time.monotonic() < end:
        time.sleep(0.05)
    return {"linked": {"token": first, "email": "ada@example.org"}, "second": second}


def _asked(ask: Callable[..., Any], known: dict[str, Any]) -> dict[str, Any]:
    """Carl gives his password alone."""
    return {"asked": ask("POST", "/api/auth/login", CARL)}


def _passkey(ask: Callable[..., Any], known: dict[str, Any]) -> dict[str, Any]:
    """Carl sets up a passkey; this machine is called ``localhost``, as its pages have to be."""
    token, path = known["carl"]["access_token"], "/api/users/me/second-factors"
    key = Authenticator(f"http://localhost:{ask.args[0]}")  # type: ignore[attr-defined]
    begun = ask("POST", path, {"name": "Laptop", "kind": "passkey"}, token)
    ask("POST", f"{path}/{begun['id']}/confirm", {"passkey": key.make(begun["options"])}, token)
    return {"key": key}


def _answered(ask: Callable[..., Any], known: dict[str, Any]) -> dict[str, Any]:
    """What Carl's authenticator answers."""
    return {"answered": {"passkey": known["key"].answer(ask("POST", "/api/auth/passkey/options"))}}


def _back(ask: Callable[..., Any], known: dict[str, Any]) -> dict[str, Any]:
    """Ada, in a browser, comes back from the issuer with which she links her account."""
    port = ask.args[0]  # type: ignore[attr-defined]
    session = request(port, "POST", "/api/auth/session", ADA)[2]["set-cookie"].partition(";")[0]
    begun = request(port, "GET", "/api/auth/google?link=true", None, {"Cookie": session})[2]
    issuer = urlsplit(begun["location"])
    there = f"{issuer.path}?{issuer.query}&sub=ada&email={ADA['email']}"
    back = parse_qs(urlsplit(request(issuer.port or 80, "GET", there)[2]["location"]).query)
    cookie = f"{session}; {begun['set-cookie'].partition(';')[0]}"
    return {"elsewhere": {"cookie": cookie, "code": back["code"][0], "state": back["state"][0]}}


STEPS: tuple[Step, ...] = (
    Step("register", body=ADA | {"username": "ada", "name": "Ada Archer", "role": "farmer", "farm_name": "Archer's Field"}),
    Step("signIn", body=ADA),
    Step("refreshTokens", body={"refresh_token": "{signIn.refresh_token}"}),
    Step("beginSession", body=ADA),
    Step("getSession", browser=True),
    Step("endSession", browser=True),
    Step("requestVerification", token="{register.access_token}"),
    Step("verifyEmail", body={"token": "{mail.ada.verify}"}),
    Step("requestPasswordReset", body={"email": "ada@example.org"}),
    Step("requestSignInLink", body={"email": "ada@example.org"}),
    Step("signInElsewhere", parameters={"return_to": "/orders"}),
    Step("endSignInElsewhere", parameters={"code": "{elsewhere.code}", "state": "{elsewhere.state}"}, cookie="{elsewhere.cookie}", prepare=_back),
    Step("listIdentities", token="{signIn.access_token}"),
    Step("deleteIdentity", token="{signIn.access_token}", parameters={"id": "{listIdentities.items.0.id}"}),
    Step("getMe", BUYER),
    Step("changeMe", BUYER, body={"phone": "+43 664 1234567"}),
    Step("putAvatar", BUYER, body={"filename": "me.png", "content": FACE}),
    Step("getBlob", parameters={"id": "{blob.id}", "file": "small.webp"}, prepare=_blob),
    Step("deleteAvatar", BUYER),
    Step("getUser", parameters={"id": FAY}),
    Step("listSessions", BUYER),
    Step("createApiKey", BUYER, body={"name": "Till in the shop", "scopes": ["orders:read"], "expires_at": "2099-01-01T00:00:00Z"}),
    Step("listApiKeys", BUYER),
    Step("deleteApiKey", BUYER, {"id": "{createApiKey.id}"}),
    Step("putAddress", BUYER, {"id": HOME}, {"label": "Home", "recipient": "Bo Bauer", "address": "Main Street 1\n8010 Graz",
                                             "phone": "+43 664 1234567", "note": "Please ring twice."}),
    Step("listAddresses", BUYER),
    Step("putConsents", BUYER, body={"items": [{"kind": "terms", "version": "2026-05", "agreed": True}]}),
    Step("getConsents", BUYER),
    Step("exportMe", BUYER),
    Step("beginExport", BUYER),
    Step("deactivateMe", token="{dora.access_token}", prepare=_dora),
    Step("deleteAddress", BUYER, {"id": HOME}),
    Step("confirmSignIn", token="{carl.access_token}", body={"password": CARL["password"]}, prepare=_carl),
    Step("endSignIn", token="{carl.access_token}", parameters={"id": "{device.id}"}, prepare=_elsewhere),
    Step("changeEmail", token="{carl.access_token}", body={"email": "carl.corn@example.org"}),
    Step("setUpSecondFactor", token="{carl.access_token}", body={"name": "Telephone"}),
    Step("confirmSecondFactor", token="{carl.access_token}", parameters={"id": "{setUpSecondFactor.id}"}, body={"code": "{shown.code}"}, prepare=_shown),
    Step("listSecondFactors", token="{carl.access_token}"),
    Step("giveSecondFactor", body={"challenge": "{asked.challenge}", "code": "{confirmSecondFactor.recovery_codes.0}"}, prepare=_asked),
    Step("beginSessionBySecondFactor", body={"challenge": "{asked.challenge}", "code": "{confirmSecondFactor.recovery_codes.1}"}, prepare=_asked),
    Step("renewRecoveryCodes", token="{carl.access_token}"),
    Step("deleteSecondFactor", token="{carl.access_token}", parameters={"id": "{setUpSecondFactor.id}"}),
    Step("requestPasskeyOptions", prepare=_passkey),
    Step("signInByPasskey", body={"passkey": "{answered.passkey}"}, prepare=_answered),
    Step("beginSessionByPasskey", body={"passkey": "{answered.passkey}"}, prepare=_answered),
    Step("requestSecondFactorOptions", body={"challenge": "{asked.challenge}"}, prepare=_asked),
    Step("requestConfirmationOptions", token="{carl.access_token}"),
    Step("listAccounts", ADMIN, {"q": "farmer"}),
    Step("getAccount", ADMIN, {"id": "{carl.user.id}"}),
    Step("changeAccount", ADMIN, {"id": "{carl.user.id}"}, {"role": "farmer"}),
    Step("impersonate", ADMIN, {"id": FAY}, {"reason": "She called: her stock does not change."}),
    Step("listAudit", ADMIN),
    Step("beginSessionByLink", body={"token": "{linked.token}", "email": "{linked.email}"}, prepare=_linked),
    Step("signInByLink", body={"token": "{mail.ada.link}"}),
    Step("resetPassword", body={"token": "{mail.ada.reset}", "password": "carrots by the crate"}),
    Step("changePassword", token="{carl.access_token}", body={"password": "turnips by the hundred"}, last=True),
    Step("deleteMe", token="{carl.access_token}", last=True),
    Step("signOut", BUYER, last=True),
)  # fmt: skip

"""Hooks of Schemathesis: whose requests it makes. They sign in anew before a confirmation lapses, and after a sign-in has ended.

``HARVEST_FUZZ_MARKET``, ``HARVEST_FUZZ_EMAIL`` and ``HARVEST_FUZZ_PASSWORD`` say where and who; without a person the requests are
nobody's.
"""

from __future__ import annotations

import os
import secrets
from typing import Any

import requests
import schemathesis

#: Seconds: within the five minutes for which a sign-in is a confirmation (``harvestd/market/accounts/confirming.py``).
ANEW = 120
#: What ends an account, or its password: for these each sign-in is somebody new's.
ENDING = {"DELETE /api/users/me", "POST /api/users/me/deactivation", "PUT /api/users/me/password"}


class SignedIn:
    """An access token: the person's, or somebody's who can be spared."""

    def get(self, case: Any, context: Any) -> str:
        if context.operation.label in ENDING:
            tag = f"spare-{secrets.token_hex(6)}"
            spare = {"email": f"{tag}@example.org", "username": tag, "name": "Sam Spare", "role": "buyer"}
            return _token("register", spare)
        return _token("login", {"email": os.environ["HARVEST_FUZZ_EMAIL"]})

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


def _token(how: str, who: dict[str, str]) -> str:
    body = who | {"password": os.environ["HARVEST_FUZZ_PASSWORD"]}
    answer = requests.post(f"{os.environ['HARVEST_FUZZ_MARKET']}/api/auth/{how}", json=body, timeout=60)
    return str(answer.json()["access_token"])


def _whose(case: Any, context: Any) -> str:
    return context.operation.label if context.operation.label in ENDING else ""


if os.environ.get("HARVEST_FUZZ_EMAIL"):
    schemathesis.auth(refresh_interval=ANEW, cache_by_key=_whose)(SignedIn)

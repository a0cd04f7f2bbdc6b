"""Every field of every body, every parameter and every path is tried with what people paste and attackers send: over the steps of
``tests/openapi/walk.py``, of which each operation of the contract has one, so that a later route is tried without a line here.

What must hold: an answer that is JSON and no 5xx; a refusal that is a problem; a process that goes on, in which no callback
computes for long (``tests/slow.py``), and no traceback in its log; and afterwards listings that are JSON, mail whose headers
are ours, and invariants that hold. ``HARVEST_FUZZ=1`` (``make fuzz``) tries all; otherwise each field gets a share that changes
with the seed.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import random
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.daemons import ctl, request
from tests.hostile.odd_values import IN_ADDRESSES, TEXTS, VALUES, at, places, replaced
from tests.lengths import WHOLE
from tests.openapi.conftest import DemoMarket
from tests.openapi.walk import STEPS, Answered, own_parameters, walk
from tests.web.client import says_more

pytestmark = pytest.mark.xdist_group("odd_values")
SEED = int(os.environ.get("HARVEST_SEED", random.randrange(10**6)))
#: Of the odd values, so many are tried on a field in a short run.
SHARE = 2
#: These hash a password, which costs a tenth of a second: fewer values in a short run.
DEAR = {"register", "signIn"}
#: Fields that must be another's each time, or nothing after the first is tried to its end.
FRESH = {"register": {"email": "ada-{}@example.org", "username": "ada-{}"}}
HEADERS = {
    "from", "to", "subject", "date", "message-id", "auto-submitted", "content-language", "content-type", "content-transfer-encoding",
    "mime-version", "reply-to",
}  # fmt: skip


@attrs.define
class Tried:
    """What came of it."""

    count: int = 0
    wrong: list[str] = attrs.field(factory=list)


class Attacker:
    """One connection, which is opened again when the server closes it."""

    def __init__(self, market: DemoMarket, chance: random.Random) -> None:
        self.market = market
        self.chance = chance
        self.tried = Tried()
        self._connection = http.client.HTTPConnection("127.0.0.1", market.port, timeout=30)
        self._numbers = itertools.count()
        self._operations = {
            o["operationId"]: (path, method.upper(), o)
            for path, methods in market.document["paths"].items()
            for method, o in methods.items()
        }

    def attack(self, done: Answered) -> None:
        """Each field of the step, each in its turn odd."""
        path, method, operation = self._operations[done.step.operation]
        for name, target in self._targets(path, operation, done):
            self._send(f"{done.step.operation}: {name}", method, target, done.headers, done.body)
        if done.step.body is None:
            return
        whole = {**_optional(self.market.document, operation), **done.body}
        target = self._address(path, operation, done.parameters)
        for place in places(whole):
            for name, odd in self._odds(at(whole, place), done.step.operation):
                asked = {**done.body, place[0]: whole[place[0]]}  # a word for each would be refused for one of them
                body = replaced(self._fresh(done.step.operation, asked), place, odd)
                self._send(f"{done.step.operation}: {place} is {name}", method, target, done.headers, body)

    def _fresh(self, operation: str, body: Any) -> Any:
        number = next(self._numbers)
        return body | {name: form.format(number) for name, form in FRESH.get(operation, {}).items()}

    def _odds(self, present: Any, operation: str) -> Iterator[tuple[str, Any]]:
        odds = [*TEXTS.items(), *VALUES.items()] if isinstance(present, str) else [*VALUES.items()]
        share = SHARE if operation not in DEAR else 1
        yield from odds if WHOLE else self.chance.sample(odds, share)

    def _targets(self, path: str, operation: dict[str, Any], done: Answered) -> Iterator[tuple[str, str]]:
        odds = list(IN_ADDRESSES.items())
        for parameter in own_parameters(operation):
            if parameter["in"] == "header":
                continue
            for name, odd in odds if WHOLE else self.chance.sample(odds, SHARE):
                given = {**done.parameters, parameter["name"]: odd}
                yield f"{parameter['name']} is {name}", self._address(path, operation, given)

    def _address(self, path: str, operation: dict[str, Any], given: dict[str, str]) -> str:
        from urllib.parse import quote, urlencode

        where = {p["name"]: p["in"] for p in own_parameters(operation)}
        for name, value in given.items():
            path = path.replace(f"{{{name}}}", quote(value, safe="")) if where[name] == "path" else path
        query = urlencode({name: value for name, value in given.items() if where[name] == "query"})
        return f"{path}?{query}" if query else path

    def _send(self, what: str, method: str, target: str, headers: dict[str, str], body: Any) -> None:
        self.tried.count += 1
        sent = dict(headers)
        if "Idempotency-Key" in sent:
            sent["Idempotency-Key"] = f"odd-{self.tried.count}"
        if "If-Match" in sent:
            sent["If-Match"] = "*"  # the walk's version is over once one of these is taken
        data = None
        if body is not None:
            data, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        try:
            self._connection.request(method, target, data, sent)
            response = self._connection.getresponse()
            content = response.read()
        except (http.client.HTTPException, OSError) as error:
            self._connection.close()
            self.tried.wrong.append(f"{what}: no answer: {error!r}")
            return
        fault = _fault(response, content)
        if fault:
            self.tried.wrong.append(f"{what}: {fault}")


def _fault(response: http.client.HTTPResponse, content: bytes) -> str:
    kind = response.headers.get("Content-Type", "")
    if response.status >= 500:
        return f"{response.status} {content[:300]!r}"
    if response.status >= 400 and kind != "application/problem+json":
        return f"{response.status} is no problem but {kind}"
    if "json" in kind:
        try:
            json.loads(content)
        except ValueError as error:
            return f"{response.status}, and no JSON: {error}"
    if kind == "application/problem+json" and not says_more(json.loads(content)):
        return f"{response.status} says no more than its title"
    if b"Traceback" in content:
        return "a traceback"
    return ""


def _optional(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    """A simple value for each text of the body that the example leaves out."""
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    found: dict[str, Any] = document["components"]["schemas"][reference].get("properties", {})
    return {name: "x" for name, kind in found.items() if _takes_text(kind) and "enum" not in kind}


def _takes_text(kind: dict[str, Any]) -> bool:
    kinds = [kind, *kind.get("anyOf", ())]
    return any(k.get("type") == "string" and "format" not in k and "pattern" not in k for k in kinds)


#: What ends the sign-in, or the account, of whoever asks.
ENDING = {"signOut", "endSession", "deleteMe"}


@pytest.mark.timeout(3600 if WHOLE else 180)
def test_nothing_that_is_typed_breaks_the_market(own_market: tuple[DemoMarket, Path], measured: Any) -> None:
    demo, folder = own_market
    attacker = Attacker(demo, random.Random(SEED))
    for done in walk(demo.port, demo.document, demo.password, demo.mails, strict=False):
        if done.step.operation not in ENDING:  # a token that has ended tries nothing
            attacker.attack(done)
    measured(f"{attacker.tried.count} requests, seed {SEED}")
    assert not attacker.tried.wrong, "\n".join([f"seed {SEED}", *attacker.tried.wrong])
    _listings_are_json(demo)
    _mail_is_ours(folder / "mail")
    logs = "".join(log.read_text("utf-8", "replace") for log in folder.glob("harvest-api-*.log"))
    assert "Traceback" not in logs, f"seed {SEED}: {logs[logs.find('Traceback') - 500 :][:3000]}"
    found = ctl(folder, "check")
    assert found.returncode == 0, found.stdout


def _listings_are_json(demo: DemoMarket) -> None:
    for path in ("/api/products", "/api/farms", "/api/categories", "/api/search"):
        target = f"{path}?limit=100" if path != "/api/categories" else path
        status, answer, _ = request(demo.port, "GET", target)
        assert status == 200 and isinstance(answer, dict), (path, status)


def _mail_is_ours(folder: Path) -> None:
    for path in folder.glob("*.eml"):
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
        assert {name.lower() for name in mail.keys()} <= HEADERS, path.name
        assert not mail.defects and mail.get_content_type() == "text/plain", path.name


def test_every_operation_has_a_step(own_market: tuple[DemoMarket, Path]) -> None:
    known = {o["operationId"] for methods in own_market[0].document["paths"].values() for o in methods.values()}
    assert known == {step.operation for step in STEPS}

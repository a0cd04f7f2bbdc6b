"""Every operation of the contract once, in an order in which each can be answered, against a market with the demo's data.

What was asked and answered becomes the examples of the document (``python -m tests.openapi.record``). A value such as
``{placeOrder.id}`` stands for what an earlier answer had; parameters that are written out are the same in every market with
the demo's data, and fill the forms of the reference.
"""

from __future__ import annotations

import email
import email.policy
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import attrs

from harvestd.tables import NAMES
from tests.daemons import request
from tests.openapi.steps import Step

#: Seconds.
THERE_WITHIN = 20.0
#: Steps of a walk that is not strict that may be left out.
MAX_SKIPPED = 12
_HIDDEN = (
    "access_token",
    "refresh_token",
    "csrf_token",
    "key",
    "token",
    "secret",
    "uri",
    "challenge",
    "passkey",
    "recovery_codes",
)


_OF_SUBJECTS = [
    step
    for name in NAMES
    if find_spec(f"tests.market.{name}.walk")
    for step in import_module(f"tests.market.{name}.walk").STEPS
]
#: The operations of each subject, in the subjects' order (``tests/market/<subject>/walk.py``).
STEPS: tuple[Step, ...] = tuple(sorted(_OF_SUBJECTS, key=lambda step: step.last))


@attrs.frozen
class Mails:
    """The folder of the mails that were sent: of each person, by the part of their address before the ``@``, the newest secret for
    each purpose, of those that come while the walk goes on."""

    folder: Path
    person: str = ""
    since: float = attrs.field(factory=time.time)

    def __getitem__(self, name: str) -> Any:
        """A person's, or one's secret. Waits for it for a while; ``KeyError`` if none comes."""
        return self._secret(name) if self.person else attrs.evolve(self, person=name)

    def _secret(self, purpose: str) -> str:
        end = time.monotonic() + THERE_WITHIN
        while time.monotonic() < end:
            newest = sorted(self.folder.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
            for path in [path for path in newest if path.stat().st_mtime >= self.since]:
                mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
                found = re.search(rf"#{purpose}=([A-Za-z0-9_-]{{43}})", mail.get_content())
                if found and mail["To"].startswith(f"{self.person}@"):
                    return found[1]
            time.sleep(0.05)
        raise KeyError(f"no mail for {purpose} to {self.person}")


@attrs.frozen
class Answered:
    """A step with what it came to: ``parameters``, ``headers`` and ``body`` as they were sent, and the headers that came back, by their
    names in lower case."""

    step: Step
    status: int
    parameters: dict[str, str]
    body: Any
    answer: Any
    headers: dict[str, str]
    sent: dict[str, str]


def walk(
    port: int, document: dict[str, Any], password: str, mails: Path | None = None, *, strict: bool = True
) -> Iterator[Answered]:
    """Take each step, with the tokens of the demo's people. Where whoever walks changes things on the way, and so is not
    ``strict``, a step that builds on one that was refused is left out."""
    operations = {
        o["operationId"]: (path, m.upper(), o) for path, ms in document["paths"].items() for m, o in ms.items()
    }
    answers: dict[str, Any] = {} if mails is None else {"mail": Mails(mails)}
    tokens: dict[str, str] = {}
    cookie, skipped = "", list[str]()
    for step in STEPS:
        path, method, operation = operations[step.operation]
        headers = {"Accept": "application/json"}
        try:
            if step.who and step.who not in tokens:
                credentials = {"email": step.who, "password": password}
                tokens[step.who] = _asked(port, "POST", "/api/auth/login", credentials)["access_token"]
            answers |= step.prepare(partial(_asked, port), {**answers, "tokens": tokens})
            given = {name: _filled(value, answers) for name, value in step.parameters.items()}
            body = _filled(step.body, answers)
            if step.who or step.token:
                headers["Authorization"] = f"Bearer {tokens[step.who] if step.who else _filled(step.token, answers)}"
            if step.cookie:
                headers["Cookie"] = _filled(step.cookie, answers)
            if step.browser:
                headers |= {"Cookie": cookie, "X-CSRF-Token": answers["beginSession"]["csrf_token"]}
        except KeyError as error:
            if strict:
                raise
            skipped.append(f"{step.operation}: {error}")
            continue
        target = _target(path, operation, given)
        wanted = {p["name"] for p in own_parameters(operation) if p["in"] == "header"}
        if "Idempotency-Key" in wanted:
            headers["Idempotency-Key"] = f"example-{step.operation}"
        if "If-Match" in wanted:
            headers["If-Match"] = _version(port, target, headers)
        status, answer, sent = request(port, method, target, body, headers)
        cookie = sent.get("set-cookie", "").partition(";")[0] if step.operation == "beginSession" else cookie
        end = time.monotonic() + THERE_WITHIN
        while strict and not step.there(answer) and time.monotonic() < end:
            time.sleep(0.05)
            status, answer, _ = request(port, method, target, body, headers)
        answers[step.operation] = answer
        yield Answered(step, status, given, body, answer, headers, sent)
    assert len(skipped) < MAX_SKIPPED, skipped


def _asked(port: int, method: str, path: str, body: Any = None, token: str = "") -> Any:
    return request(port, method, path, body, {"Authorization": f"Bearer {token}"} if token else {})[1]


def _version(port: int, target: str, headers: dict[str, str]) -> str:
    """The ETag of the thing; ``*`` for what has no page of its own."""
    return request(port, "GET", target, None, headers)[2].get("etag", "*")


def _target(path: str, operation: dict[str, Any], given: dict[str, str]) -> str:
    places = {p["name"]: p["in"] for p in own_parameters(operation)}
    for name, value in given.items():
        path = path.replace(f"{{{name}}}", value) if places[name] == "path" else path
    query = "&".join(f"{name}={value.replace(' ', '+')}" for name, value in given.items() if places[name] == "query")
    return f"{path}?{query}" if query else path


def own_parameters(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """The parameters of an operation but those that every one has, which are a reference."""
    return [parameter for parameter in operation.get("parameters", ()) if "$ref" not in parameter]


def _filled(value: Any, answers: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(one, answers) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, answers) for one in value]
    if isinstance(value, str) and (found := re.fullmatch(r"\{(\w+(?:\.\w+)+)\}", value)):
        found_so_far: Any = answers
        for name in found[1].split("."):
            try:
                found_so_far = found_so_far[int(name)] if isinstance(found_so_far, list) else found_so_far[name]
            except KeyError:
                raise KeyError(f"{value}: {found_so_far}") from None
        return found_so_far
    return value


def example(done: Answered) -> dict[str, Any]:
    """What the document shows of a step: never a whole contract, and no token that was one."""
    found: dict[str, Any] = {}
    fixed = {name: value for name, value in done.step.parameters.items() if not value.startswith("{")}
    if fixed:
        found["parameters"] = fixed
    if done.step.body is not None:
        found["body"] = _tidy(done.body)
    if isinstance(done.answer, dict) and done.step.operation not in ("getContract", "listProblems"):
        found["answer"] = _tidy(done.answer)
    return found


#: The machine of whoever records, and the issuer there: names that are reserved for documents stand for them (RFC 2606, RFC 5737).
_OWN = {"127.0.0.1": "192.0.2.1", "localhost": "example.org"}
_ISSUER = re.compile(r"http://127\.0\.0\.1:[0-9]+")


def _tidy(value: Any) -> Any:
    """Tokens replaced, and of a list no more than two; the steps of an order are all there, or its status would not follow."""
    if isinstance(value, dict):
        return {
            name: _hidden(one) if name in _HIDDEN else one if name == "steps" else _tidy(one)
            for name, one in value.items()
        }
    if isinstance(value, str):
        return _OWN.get(value) or _ISSUER.sub("https://accounts.example.org", value)
    return [_tidy(one) for one in value[:2]] if isinstance(value, list) else value


def _hidden(value: Any) -> Any:
    return ["…"] if isinstance(value, list) else "…"


def shape(value: Any) -> Any:
    """The names in a value, and the kinds of its leaves; a list is as its first element."""
    kinds: dict[type, Callable[[Any], Any]] = {
        dict: lambda one: {name: shape(member) for name, member in one.items()},
        list: lambda one: [shape(one[0])] if one else [],
    }
    return kinds.get(type(value), lambda one: type(one).__name__)(value)

"""The examples are true: the demo's market answers each of them so."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from harvestd.web.pages.examples import RECORDED
from tests.openapi.conftest import DemoMarket
from tests.openapi.walk import STEPS, Answered, example, shape, walk

pytestmark = pytest.mark.xdist_group("demo_market")
AGAIN = "record them again: python -m tests.openapi.record"


def alike(recorded: Any, now: Any) -> bool:
    """Of one shape; an empty list or object is like any, since what they have depends on the moment, and null like anything."""
    if isinstance(recorded, dict) and isinstance(now, dict):
        return (
            not recorded
            or not now
            or (set(recorded) == set(now) and all(alike(recorded[name], now[name]) for name in recorded))
        )
    if isinstance(recorded, list) and isinstance(now, list):
        return not recorded or not now or alike(recorded[0], now[0])
    return recorded == now or "NoneType" in (recorded, now) or {recorded, now} == {"int", "float"}


def faults(document: dict[str, Any], operation: str, done: Answered) -> list[str]:
    """Where an answer is not as the document has it."""
    found = next(o for ms in document["paths"].values() for o in ms.values() if o["operationId"] == operation)
    content = found["responses"][str(done.status)].get("content", {}).get("application/json")
    if content is None:
        return []
    registry: Registry[Any] = Registry().with_resource("urn:contract", Resource(document, DRAFT202012))
    schema = _from_here(content["schema"])
    validator = Draft202012Validator(schema, registry=registry, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(done.answer)]


#: What depends on the request, or on what there is.
SOMETIMES = {
    "content-language",
    "idempotent-replayed",
    "link",
    "set-cookie",
    "x-cart-token",
    "vary",
    "ratelimit",
    "ratelimit-policy",
}


def headers_amiss(document: dict[str, Any], operation: str, done: Answered) -> list[str]:
    """Headers of the contract that this answer has and should not, or the other way round."""
    found = next(o for ms in document["paths"].values() for o in ms.values() if o["operationId"] == operation)
    told = {name.lower() for name in found["responses"][str(done.status)].get("headers", {})}
    named = {name.lower() for name in document["components"]["headers"]} - {"vary"}
    return sorted((told - SOMETIMES - set(done.sent)) | (set(done.sent) & named) - told)


def _from_here(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {k: f"urn:contract{v}" if k == "$ref" else _from_here(v) for k, v in schema.items()}
    return [_from_here(one) for one in schema] if isinstance(schema, list) else schema


def test_the_demo_s_password_is_in_no_line_of_the_log(demo_market: DemoMarket) -> None:
    log = demo_market.log.read_text()
    assert "ready" in log and "demo-password" in log and demo_market.password not in log


@pytest.mark.limit(90)
def test_every_example_is_answered_as_the_document_says(demo_market: DemoMarket) -> None:
    recorded = RECORDED
    for done in walk(demo_market.port, demo_market.document, demo_market.password, demo_market.mails):
        name = done.step.operation
        assert done.status < 400, f"{name}: {done.status} {done.answer}"
        assert faults(demo_market.document, name, done) == [], name
        assert headers_amiss(demo_market.document, name, done) == [], name
        new = done.status in (201, 303) or (done.status == 202 and bool(done.answer))
        assert new == ("location" in done.sent), f"{name}: where the new one is"
        now = example(done)
        known = recorded.get(name, {})
        assert set(known) == set(now), f"{name}: {AGAIN}"
        assert alike(shape(known), shape(now)), f"{name}: {AGAIN}"


def test_no_example_names_the_machine_where_it_was_recorded() -> None:
    """Readers would try it."""
    assert not re.findall(r"127\.0\.0\.1|localhost", json.dumps(RECORDED))
    assert RECORDED["getMarket"]["answer"]["sign_in_issuer"] == "https://accounts.example.org"


def test_a_recorded_example_names_reserved_hosts() -> None:
    sent = {"address": "127.0.0.1", "rpId": "localhost", "items": ["http://127.0.0.1:41835/x"]}
    step = next(step for step in STEPS if step.operation == "getMarket")
    shown = example(Answered(step, 200, {}, None, sent, {}, {}))["answer"]
    assert shown == {"address": "192.0.2.1", "rpId": "example.org", "items": ["https://accounts.example.org/x"]}

"""X-Request-Id and traceparent: taken over when well formed, and carried into what the handler does."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from harvestd.runtime.tracing import Trace, current_trace
from harvestd.web.tracing import next_traceparent, trace_of
from tests.web.client import Client
from tests.web.dummies import seen

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


async def test_a_well_formed_request_id_is_taken_over(client: Client) -> None:
    for value in ("a", "0197f0a0-7c1e-7abc-8def-0123456789ab", "req_1:2/3+4=5@6~7.8", "x" * 128):
        assert (await client.get("/api/list", headers={"X-Request-Id": value})).headers["x-request-id"] == value


@pytest.mark.parametrize("value", ["", "a b", "x" * 129, "a,b", "<script>", 'a"b', "é", "a;b", "${jndi}"])
async def test_any_other_is_replaced_by_a_fresh_uuid(client: Client, value: str) -> None:
    given = (await client.get("/api/list", headers={"X-Request-Id": value})).headers["x-request-id"]
    assert UUID(given).version == 7


async def test_the_handler_and_its_events_run_under_the_trace(client: Client) -> None:
    headers = {"X-Request-Id": "r1", "Traceparent": f"00-{TRACE}-{PARENT}-01"}
    await client.get("/api/list", headers=headers)
    trace: Trace = seen.trace
    assert trace.request_id == "r1"
    assert re.fullmatch(rf"00-{TRACE}-(?!{PARENT})[0-9a-f]{{16}}-01", trace.traceparent)
    assert current_trace() == Trace()


@pytest.mark.parametrize(
    "incoming, kept",
    [
        (f"00-{TRACE}-{PARENT}-01", True), (f"00-{TRACE}-{PARENT}-00", True), (f"cc-{TRACE}-{PARENT}-01-what", True),
        (f"ff-{TRACE}-{PARENT}-01", False), (f"00-{TRACE}-{PARENT}-01-what", False), (f"00-{'0' * 32}-{PARENT}-01", False),
        (f"00-{TRACE}-{'0' * 16}-01", False), (f"00-{TRACE.upper()}-{PARENT}-01", False), ("", False), ("garbage", False),
    ],
)  # fmt: skip
def test_a_trace_is_continued_only_if_it_is_one(incoming: str, kept: bool) -> None:
    version, trace, span, flags = next_traceparent(incoming).split("-")
    assert (version, len(span), span == PARENT) == ("00", 16, False)
    assert (trace == TRACE) == kept
    assert flags == (incoming.split("-")[3] if kept else "00")


def test_two_requests_have_two_traces() -> None:
    assert trace_of("", "", lambda: "id").traceparent != trace_of("", "", lambda: "id").traceparent

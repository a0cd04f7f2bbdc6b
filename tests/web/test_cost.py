"""What a request costs grows with its bytes and no faster, whatever its bytes are.

CPU time alone is looked at. The bounds are generous by ten and more: work that grows as the square passes them by hundreds.
"""

from __future__ import annotations

import gc
import time
import typing
from collections.abc import Callable, Iterator
from math import inf
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from twisted.web.http_headers import Headers

from harvestd.interfaces import Entry
from harvestd.kernel import cursors
from harvestd.kernel.errors import MarketError
from harvestd.tables import ROUTES
from harvestd.web import bodies, conditional, queries
from harvestd.web import validation as fields
from harvestd.web.headers import Cookies, RequestHeaders
from harvestd.web.http.request import Request
from harvestd.web.problems import Refusal
from harvestd.web.replies import Response
from harvestd.web.routes import BODY, LONG_BODY
from harvestd.web.tracing import trace_of
from tests.people import Market

#: Seconds of CPU for a body of :data:`LONG_BODY`, on a machine that does other things as well.
ENOUGH = 1.0

#: Kinds of answers: from the cache, large and small, of a search, a page, and what is refused.
ANSWERED = {
    "large": "/api/products?limit=20", "small": "/api/products?limit=1", "search": "/api/search?q=carrots", "one": "/api/products/{id}",
    "no such route": "/api/nothing", "wrong": "/api/products?limit=x", "page": "/docs",
    "not signed in": "/api/orders",
}  # fmt: skip

#: JSON of about ``size`` bytes, each of a shape that costs some reader more than its bytes.
SHAPES: dict[str, Callable[[int], bytes]] = {
    "deep lists": lambda size: b"[" * (size // 2) + b"]" * (size // 2),
    "deep objects": lambda size: b'{"a":' * (size // 6) + b"1" + b"}" * (size // 6),
    "open brackets": lambda size: b"[" * size,
    "many small lists": lambda size: b"[" + b",".join([b"[]"] * (size // 3)) + b"]",
    "many lists in lists": lambda size: b"[" + b",".join([b"[[[[[[[[[]]]]]]]]]"] * (size // 19)) + b"]",
    "many small objects": lambda size: b'{"lines":[' + b",".join([b"{}"] * (size // 3)) + b"]}",
    "quotes in a text without an end": lambda size: b'{"refresh_token": ' + b"[]" * 40 + b'"' + rb"\"" * (size // 2),
    "texts without an end": lambda size: b"[" + b'"\\",' * (size // 4),
    "one name many times": lambda size: b"{" + b",".join([b'"a":1'] * (size // 6)) + b"}",
    "a name twice after many": lambda size: b"{" + b",".join(b'"%d":1' % n for n in range(size // 11)) + b',"7":1}',
    "many unknown fields": lambda size: b"{" + b",".join(b'"%d":1' % n for n in range(size // 11)) + b"}",
    "many unknown fields that are nearly ours": lambda size: b"{" + b",".join(
        b'"minimum_quantity_step_of_price_%068d":1' % n for n in range(size // 105)) + b"}",
    "many wrong lines": lambda size: b'{"lines":[' + b",".join([b'{"quantity":"x"}'] * (size // 17)) + b"]}",
    "many sound lines, then a wrong one": lambda size: b'{"lines":['
    + b'{"product_id":"0197f0a0-7c1e-7abc-8def-0123456789ab","quantity":1},' * (size // 68) + b"7]}",
    "wrong texts deep in lists": lambda size: b'{"lines":' + b"[" * 50 + b",".join([rb'"\u0000"'] * (size // 9)) + b"]" * 50 + b"}",
    "a wrong text below long names": lambda size: b'{"' + b"k" * (size // 2) + b'":[' + b",".join([rb'"\u0000"'] * (size // 18)) + b"]}",
    "surrogates": lambda size: b"[" + b",".join([rb'"\ud834\udd1e"'] * (size // 15)) + b"]",
    "half a surrogate after whole ones": lambda size: b'["' + rb"\ud834\udd1e" * (size // 12) + rb'","\ud800"]',
    "a long number": lambda size: b'{"stock":' + b"9" * size + b"}",
    "a long fraction": lambda size: b'{"stock":0.' + b"9" * size + b"}",
    "many long numbers": lambda size: b'{"stock":[' + b",".join([b"9" * 4000] * (size // 4001)) + b"]}",
    "many huge exponents": lambda size: b'{"tags":[' + b",".join([b"1e999999999"] * (size // 12)) + b"]}",
    "a long text": lambda size: b'{"title":"' + b"a" * size + b'"}',
    "white space": lambda size: b" " * size + b"{}",
    "many lines, then a fault": lambda size: b"[" + b"1,\n" * (size // 3) + b"}",
}  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def others_left_alone() -> Iterator[None]:
    """What other tests have left in memory is not looked through: a body of many lists has the collector look at all there is."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def cpu(work: Callable[[], Any]) -> float:
    """Seconds of this thread's CPU."""
    began = time.thread_time()
    try:
        work()
    except (Refusal, MarketError):
        pass
    return time.thread_time() - began


def assert_linear(work: Callable[[int], Callable[[], Any]], size: int, enough: float) -> None:
    """In the least of up to three goes: what else this thread had to do meanwhile is not its own."""
    half, whole = work(size // 2), work(size)
    least = 0.0, inf
    for _ in range(3):
        found = cpu(half), cpu(whole)
        least = max(least[0], found[0]), min(least[1], found[1])
        if found[1] < enough and found[1] < 3.5 * found[0] + 0.05:
            return
    assert least[1] < enough, f"{least[1]:.3f} s for {size} bytes"
    raise AssertionError(f"{least[1]:.3f} s for {size} bytes, {least[0]:.3f} s for half of them")


@pytest.mark.parametrize("shape", SHAPES)
def test_a_body_of_any_shape_costs_no_more_than_its_bytes(shape: str) -> None:
    def decoding(size: int) -> Callable[[], Any]:
        body = SHAPES[shape](size)
        return lambda: bodies.decode(body)

    assert_linear(decoding, LONG_BODY, ENOUGH)


def test_no_body_of_lists_costs_more_than_a_few_milliseconds_for_each_that_it_may_have() -> None:
    for deep in (1, 9, 50):
        body = b"[" + b",".join([b"[" * deep + b"]" * deep] * (bodies.MAX_CONTAINERS // deep - 1)) + b"]"
        assert cpu(lambda body=body: bodies.decode(body)) < 0.1  # type: ignore[misc]


@pytest.mark.parametrize("route", [route for route in ROUTES if route.body is not None], ids=lambda route: route.name)
def test_no_route_has_a_body_that_costs_more_than_its_bytes(route: Any) -> None:
    for make in SHAPES.values():

        def converting(size: int, make: Callable[[int], bytes] = make) -> Callable[[], Any]:
            body = make(size)
            return lambda: fields.convert(bodies.decode(body), route.body)

        assert_linear(converting, BODY, ENOUGH / 2)


HEAD = 16_000
QUERIES: dict[str, Callable[[int], str]] = {
    "many names": lambda size: "&".join(f"a{n}=1" for n in range(size // 8)),
    "one name many times": lambda size: "&".join(["limit=1"] * (size // 8)),
    "a long name": lambda size: "a" * size + "=1",
    "a long number": lambda size: "limit=" + "9" * size,
    "a long fraction": lambda size: "near=1." + "9" * size + ",2",
    "zeros": lambda size: "limit=20." + "0" * size,
    "escapes": lambda size: "q=" + quote("é") * (size // 6),
    "a long cursor": lambda size: "after=" + "k" * size,
    "commas": lambda size: "near=" + "," * size,
}


@pytest.mark.parametrize("shape", QUERIES)
def test_a_query_of_any_shape_costs_no_more_than_its_bytes(shape: str) -> None:
    for kind in {route.query for route in ROUTES if route.query is not None}:

        def decoding(size: int, kind: Any = kind) -> Callable[[], Any]:
            query = QUERIES[shape](size)
            return lambda: queries.decode(query, kind)

        assert_linear(decoding, HEAD, 0.1)


HEADERS: dict[str, Callable[[str], Any]] = {
    "cookie": lambda text: dict(Cookies(RequestHeaders(Headers({b"Cookie": [text.encode("latin-1")]})))),
    "if-none-match": lambda text: (conditional.unchanged(text, '"v1-a"'), conditional.behind('"v1-a"', text)),
    "if-match": conditional.version_named,
    "traceparent": lambda text: trace_of("", text, lambda: "id"),
    "x-request-id": lambda text: trace_of(text, "", lambda: "id"),
    "cursor": lambda text: cursors.decode(text, "newest", int),
}


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_of_any_shape_costs_no_more_than_its_bytes(header: str) -> None:
    for piece in ('"', '\\"', "a=b; ", "; ", ", ", " ", 'W/"', '"v9-x", ', '"a', "00-", "0", "\xff", "=", '" ,'):

        def reading(size: int, piece: str = piece) -> Callable[[], Any]:
            text = piece * (size // len(piece))
            return lambda: HEADERS[header](text)

        assert_linear(reading, HEAD, 0.1)


async def test_no_request_has_types_read_anew(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the first request of its kind finds out of the types of its route, all others know: reflection takes longer than they do."""
    farmer, buyer = await market.farmer(), await market.person()
    products = [await market.product(farmer, title=f"Carrots {n}", stock="100") for n in range(3)]
    one, item = (f"/api/{kind}/{products[0]['id']}" for kind in ("products", "cart/items"))
    read: list[str] = []

    async def everything() -> None:
        market.parts.cache.drop_here([])
        for path in (
            "/api/products?limit=2",
            f"{one}",
            "/api/search?q=carrots&limit=2",
            "/api/farms?limit=1",
            "/api/market",
        ):
            assert (await market.stranger.get(path)).status == 200, path
        assert (await buyer.request("PUT", item, {"quantity": "0.5"})).status == 200
        assert (await buyer.order((products[1]["id"], "0.5"), expected_total=195)).status == 201
        assert (await buyer.get("/api/orders?limit=1")).status == 200
        assert (await farmer.request("PATCH", one, {"title": "Carrots"}, If_Match="*")).status == 200
        assert (await farmer.post(f"{one}/stock", {"change": "1", "reason": "found"})).status == 200
        assert (await buyer.request("PUT", item, {"quantity": "x"})).status == 422
        assert (await buyer.order((products[1]["id"], "0.5"), expected_total=1)).status == 409

    await everything()
    for module, name in ((msgspec.structs, "fields"), (msgspec.inspect, "type_info"), (typing, "get_type_hints")):
        plain = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *given, plain=plain, name=name, **more: read.append(name) or plain(*given, **more)
        )
    await everything()
    assert read == []


@pytest.mark.parametrize("path", ANSWERED.values(), ids=ANSWERED)
async def test_what_an_answer_took_is_free_when_it_is_sent(market: Market, path: str) -> None:
    """And not when the garbage is collected, which is seldom: until then each evicted answer would be in memory still."""
    farmer = await market.farmer()
    text = "carrots " * 600
    products = [await market.product(farmer, title=f"Carrots {n}", description=text) for n in range(20)]
    asked = path.format(id=products[0]["id"])
    await market.stranger.get(asked)  # what is made once
    gc.collect()
    gc.disable()
    try:
        await market.stranger.get(asked)
        market.parts.cache.drop_here([])
        await market.stranger.get(asked)
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        left = [type(each).__name__ for each in gc.garbage if isinstance(each, (Request, Entry, Response))]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert left == []

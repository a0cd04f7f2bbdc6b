"""Headers without a value: each as the RFC has it, the same on the fast path and on the regular one.

A list may be empty (RFC 9110, 5.6.1.2), and says then what its absence says; a singleton's value is never empty, so what decides how a request is
read, or what it may change, is refused, and what only describes the client is as if it were not there.
"""

from __future__ import annotations

import pytest

from harvestd.settings.table import Settings
from tests.people import Market
from tests.web.client import Client, Response
from tests.web.conftest import token_for
from tests.web.http.test_fast_path import GET, learned

#: With a body of JSON, to a route that takes one: what is answered, and why.
POSTED = {
    "Content-Encoding": (200, "8.4: a list of codings, of which there are none"),
    "Transfer-Encoding": (400, "9112, 6.1: says where the body ends, so nothing is left to guess"),
    "Content-Length": (400, "8.6: digits"),
    "Content-Type": (415, "8.3: a media type is never empty; the sender has not said that it is JSON"),
    "Expect": (200, "10.1.1: a list of expectations, of which there are none"),
    "Range": (200, "14.2: for GET alone, and no route serves parts"),
    "Accept": (200, "12.5.1: a list of ranges, without which anything is acceptable"),
    "Accept-Encoding": (200, "12.5.3: no coding is wanted, and none is made"),
    "Accept-Language": (200, "12.5.4: no language is preferred"),
    "If-None-Match": (200, "13.1.2: a list of tags, none of which matches"),
    "Connection": (200, "7.6.1: a list of options, of which there are none"),
    "TE": (200, "10.1.4: a list of codings, of which there are none"),
    "Trailer": (200, "6.6.2: a list of names, of which there are none"),
    "Upgrade": (200, "7.8: a list of protocols, of which there are none"),
    "Via": (200, "7.6.3: a list of hops"),
    "Authorization": (200, "11.6.2: credentials are never empty: none were sent"),
    "Cookie": (200, "6265, 5.4: no cookie"),
    "Origin": (200, "6454, 7.1: no page is named"),
    "User-Agent": (200, "10.1.5: it only describes the client"),
    "X-Request-Id": (200, "the market makes one"),
    "X-Forwarded-For": (200, "of nobody who is trusted"),
    "traceparent": (200, "W3C Trace Context, 3.2: what cannot be read is as none"),
    "Host": (400, "9112, 3.2: a valid one is needed"),
}


async def posted(client: Client, name: str, value: str, body: bytes = b'{"name": "a"}') -> Response:
    lines = {"Host": "localhost", "Content-Length": str(len(body)), "Content-Type": "application/json", name: value}
    wire = client.connect()
    head = "\r\n".join(["POST /api/echo HTTP/1.1", *(f"{one}: {said}" for one, said in lines.items())])
    wire.send(head.encode() + b"\r\n\r\n" + body)
    return await wire.receive()


@pytest.mark.parametrize("value", ["", " ", "\t "])
@pytest.mark.parametrize("name", POSTED)
async def test_a_header_without_a_value_beside_a_body(client: Client, name: str, value: str) -> None:
    status, why = POSTED[name]
    answer = await posted(client, name, value)
    assert answer.status == status, f"{name}: {why}: {answer.text}"


@pytest.mark.parametrize(
    ("value", "status"),
    [(",", 200), (" , ,", 200), ("identity", 200), ("Identity, identity", 200), (",gzip", 415), ("identity,br", 415)],
)
async def test_empty_elements_of_a_list_of_codings_count_for_nothing(client: Client, value: str, status: int) -> None:
    assert (await posted(client, "Content-Encoding", value)).status == status


#: What a condition or a key that says nothing is answered: its sender wants no change without it.
GUARDS = {
    "If-Match": (
        "PATCH",
        "/api/things/1",
        428,
        "13.1.1: a list of tags, of which there are none, so that no version is named",
    ),
    "Idempotency-Key": ("POST", "/api/maybe", 400, "a key has 1 to 255 characters, where it is optional, too"),
}


@pytest.mark.parametrize("name", GUARDS)
async def test_a_guard_without_a_value_is_not_as_none(client: Client, name: str) -> None:
    method, path, status, why = GUARDS[name]
    anna = client.signed_in(token_for("anna"))
    answer = await anna.request(method, path, json={"name": "a"}, headers={name: ""})
    assert answer.status == status, f"{name}: {why}: {answer.text}"


async def test_an_empty_if_match_changes_nothing_where_it_is_optional_either(market: Market) -> None:
    admin = await market.person("admin")
    group = (await admin.post("/api/groups", {"name": "Members"})).json()
    path = f"/api/groups/{group['id']}"
    assert (await admin.request("PATCH", path, {"name": "Others"}, If_Match="")).status == 400
    assert (await admin.get(path)).json()["name"] == "Members"
    assert (await admin.request("PATCH", path, {"name": "Others"})).status == 200


#: Of a GET, these are as none on both ways.
AS_NONE = sorted(
    {*POSTED} - {"Transfer-Encoding", "Content-Length", "Host"}
    | {"If-Match", "Idempotency-Key", "X-Cart-Token", "X-CSRF-Token"}
)


@pytest.mark.parametrize("name", AS_NONE)
async def test_a_get_with_a_header_without_a_value_is_answered_alike_on_both_ways(
    web_settings: Settings, name: str
) -> None:
    short, long = await learned(web_settings), await learned(web_settings, short_way=False)
    plain, _ = await short.ask(GET + b"\r\n")
    for ways in (short, long):
        answer, _ = await ways.ask(GET + name.encode() + b": \r\n\r\n")
        assert (answer.status, answer.body, answer.headers["etag"]) == (200, plain.body, plain.headers["etag"])

"""What may come in a body: strict JSON of the route's type, with every wrong field named at once."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from harvestd.web.bodies import DEPTH, MAX_CONTAINERS, decode
from harvestd.web.problems import Refusal
from harvestd.web.validation import MAX
from tests.web.client import Client, Response
from tests.web.dummies import Thing, seen

JSON = {"Content-Type": "application/json"}


async def send(client: Client, body: bytes, **headers: str) -> Response:
    return await client.post("/api/echo", body=body, headers={**JSON, **headers})


def fields(response: Response) -> dict[str, str]:
    return {error["field"]: error["message"] for error in response.json()["errors"]}


async def test_a_sound_body_arrives_typed(client: Client) -> None:
    """Numbers with a fraction are decimals, exactly as written."""
    body = (
        b'{"name": "Leek", "lines": [{"product_id": "p", "quantity": 0.1}, {"product_id": "q", "quantity": "1.250"}]}'
    )
    response = await send(client, body)
    assert response.status == 200
    thing: Thing = seen.bodies[-1]
    assert [line.quantity for line in thing.lines] == [Decimal("0.1"), Decimal("1.250")]


@pytest.mark.parametrize(
    "body",
    [b"", b"  ", b"{", b"nonsense", b'{"name": "a"} x', b"{'name': 'a'}", b'{"name": "a",}', b'{"count": 01}',
     b'{"name": "a\tb"}', b'{"count": +1}', b"\xef\xbb\xbf{}"],
)  # fmt: skip
async def test_what_is_not_json_is_400(client: Client, body: bytes) -> None:
    response = await send(client, body)
    assert (response.status, response.json()["type"]) == (400, "/problems/malformed")


async def test_a_byte_order_mark_is_called_that(client: Client) -> None:
    assert "byte order mark" in (await send(client, b"\xef\xbb\xbf{}")).json()["detail"]


@pytest.mark.parametrize("digits", [41, 4299, 4301, 20_000])
@pytest.mark.parametrize("form", ["{}", "-{}", "{}.5", "0.{}", "{}e1", "1e{}"])
async def test_a_number_of_more_digits_than_any_has_is_refused_by_its_field_before_it_is_counted_with(
    client: Client, digits: int, form: str
) -> None:
    number = form.format("9" * digits)
    assert not decode(b'{"x": %b}' % number.encode())["x"].is_finite() or digits == 41
    for field, body in (
        ("count", b'{"name": "a", "count": %b}'),
        ("lines[0].quantity", b'{"name": "a", "lines": [{"product_id": "p", "quantity": %b}]}'),
    ):
        response = await send(client, body % number.encode())
        assert response.status == 422, response.text
        assert set(fields(response)) == {field}


def test_numbers_of_all_digits_that_there_may_be_stay_as_they_are() -> None:
    assert decode(b'{"a": %b, "b": [1, "%b"]}' % (b"9" * 40, b"1" * 50)) == {"a": int("9" * 40), "b": [1, "1" * 50]}


async def test_bytes_that_are_not_utf8_are_400(client: Client) -> None:
    response = await send(client, b'{"name": "\xff"}')
    assert response.status == 400
    assert "UTF-8" in response.json()["detail"]


@pytest.mark.parametrize(
    "body", [b'{"name": "a", "name": "b"}', b'{"name": "a", "lines": [{"quantity": 1, "quantity": 9}]}']
)
async def test_duplicate_keys_are_400(client: Client, body: bytes) -> None:
    response = await send(client, body)
    assert response.status == 400
    assert "twice" in response.json()["detail"]


@pytest.mark.parametrize("text", [rb"\ud800", rb"\udfff", rb"\ud800\ud800", rb"\udc00\ud800", rb"x\uD834y"])
async def test_lone_surrogates_are_400(client: Client, text: bytes) -> None:
    assert (await send(client, b'{"name": "' + text + b'"}')).status == 400
    assert (await send(client, b'{"' + text + b'": "a"}')).status == 400


async def test_a_pair_of_surrogates_is_one_character(client: Client) -> None:
    response = await send(client, rb'{"name": "\ud834\udd1e"}')
    assert response.json()["name"] == "𝄞"


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
async def test_nan_and_infinity_are_400(client: Client, number: bytes) -> None:
    assert (await send(client, b'{"name": "a", "count": ' + number + b"}")).status == 400


@pytest.mark.parametrize("opened, closed", [(b"[", b"]"), (b'{"a":', b"}")])
async def test_json_10000_deep_is_400(client: Client, opened: bytes, closed: bytes) -> None:
    response = await send(client, b'{"name": ' + opened * 10_000 + b"1" + closed * 10_000 + b"}")
    assert response.status == 400
    assert "deep" in response.json()["detail"]


async def test_brackets_in_text_are_no_depth(client: Client) -> None:
    response = await send(client, b'{"name": "' + b'[\\"{' * 9 + b'", "unit": "' + b"[" * 500 + b'"}')
    assert response.status == 422


async def test_a_nul_in_text_is_422_naming_the_field(client: Client) -> None:
    body = rb'{"name": "a\u0000b", "lines": [{"product_id": "\u0000", "quantity": 1}]}'
    response = await send(client, body)
    assert response.status == 422
    assert set(fields(response)) == {"name", "lines[0].product_id"}


@pytest.mark.parametrize(
    "number",
    ["1e999", "1e-999", '"NaN"', '"Infinity"', '"-Infinity"', "1e999999999", '"1e999999999"', "1" * 5000 + ".5"],
)
async def test_numbers_out_of_all_bounds_are_422_naming_the_field(client: Client, number: str) -> None:
    body = '{"name": "a", "lines": [{"product_id": "p", "quantity": ' + number + "}]}"
    response = await send(client, body.encode())
    assert (response.status, list(fields(response))) == (422, ["lines[0].quantity"])


@pytest.mark.parametrize(
    "number, status",
    [
        ("1" * 5000, 422),
        (str(2**63), 422),
        (str(2**31), 422),
        ("1e2", 200),
        ("1.0", 200),
        ("1.5", 422),
        ("1e400000", 422),
        ("1e99999999999999999999", 422),
        ("true", 422),
        ('"1"', 422),
        ("-0", 422),
    ],
)
async def test_whole_numbers_are_whole_however_written_and_bounded(client: Client, number: str, status: int) -> None:
    assert (await send(client, f'{{"name": "a", "count": {number}}}'.encode())).status == status


async def test_every_wrong_field_is_named_with_its_cure(client: Client) -> None:
    response = await client.post(
        "/api/echo",
        {
            "name": "", "unit": "lb", "count": 0, "at": "yesterday", "open": "yes",
            "lines": [{"product_id": "p", "quantity": 1}, {"quantity": "much", "price": 3}, 7],
        },
    )  # fmt: skip
    assert response.status == 422
    assert fields(response) == {
        "name": "must be text of 1 to 40 characters",
        "unit": "must be one of: each, kg",
        "count": "must be a whole number from 1 to 100",
        "at": "must be a day and a time with its zone, such as 2026-05-01T08:00:00Z, or null",
        "open": "must be true or false",
        "lines[1].product_id": "is required: text",
        "lines[1].quantity": 'must be a number, such as 1.25 or "1.250"',
        "lines[1].price": "is not accepted here; possible: product_id",
        "lines[2]": "must be an object",
    }


@pytest.mark.parametrize("name", ["price", "total", "role", "status"])
async def test_fields_that_are_not_in_the_contract_are_422(client: Client, name: str) -> None:
    """So that nothing can be smuggled in where it is not accepted."""
    response = await client.post("/api/echo", {"name": "a", name: "x"})
    assert (response.status, list(fields(response))) == (422, [name])


@pytest.mark.parametrize("body", [[], "text", 7, None, True])
async def test_a_body_that_is_no_object_is_422(client: Client, body: Any) -> None:
    response = await client.post("/api/echo", body)
    assert (response.status, fields(response)) == (422, {"body": "must be an object"})


@pytest.mark.parametrize(
    "media_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", ""],
)
async def test_other_media_types_are_415(client: Client, media_type: str) -> None:
    response = await client.post(
        "/api/echo", body=b'{"name": "a"}', headers={"Content-Type": media_type} if media_type else {}
    )
    assert (response.status, response.json()["type"]) == (415, "/problems/media-type")


async def test_a_charset_in_the_media_type_is_fine(client: Client) -> None:
    response = await client.post(
        "/api/echo", body=b'{"name": "a"}', headers={"Content-Type": "Application/JSON; charset=utf-8"}
    )
    assert response.status == 200


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "gzip, identity"])
async def test_a_compressed_body_is_415(client: Client, encoding: str) -> None:
    """A gzip bomb is never unpacked."""
    response = await send(client, b"\x1f\x8b", **{"Content-Encoding": encoding})
    assert response.status == 415


async def test_a_body_without_required_fields_may_be_left_out(client: Client) -> None:
    assert (await client.post("/api/note")).json() == {"note": ""}
    assert (await client.post("/api/note", {"note": "a"})).json() == {"note": "a"}
    assert (await client.post("/api/note", body=b"note=a")).status == 415
    assert (await client.post("/api/echo")).status == 415


async def test_a_route_may_take_less_than_the_setting(client: Client) -> None:
    assert (await client.post("/api/small", {"name": "a"})).status == 200
    assert (await client.post("/api/small", body=b" " * 2000 + b'{"name": "a"}', headers=JSON)).status == 413


async def test_errors_are_listed_up_to_a_limit(client: Client) -> None:
    response = await client.post("/api/echo", {f"f{n}": n for n in range(1000)})
    assert len(response.json()["errors"]) == MAX


async def test_names_that_are_not_ours_hide_none_of_the_fields_that_are_wrong(client: Client) -> None:
    response = await client.post("/api/echo", {**{f"extra{n}": 1 for n in range(200)}, "name": "", "count": 0})
    assert {"name", "count"} < set(fields(response))


@pytest.mark.parametrize("depth", [1, DEPTH - 1, DEPTH, DEPTH + 1])
@pytest.mark.parametrize("shape", ["[", "{", "[{"])
def test_depth_is_counted_whatever_it_is_made_of_and_not_in_texts(shape: str, depth: int) -> None:
    value: Any = '[[[{{{"\\'
    for n in range(depth):
        value = [value, []] if shape[n % len(shape)] == "[" else {"a]}": value, "b": []}
    body = json.dumps(value).encode()
    if depth + 1 > DEPTH:  # the empty one within the innermost is one more
        with pytest.raises(Refusal, match="deep"):
            decode(body)
    else:
        assert decode(body) == value


def test_more_lists_and_objects_than_any_body_has_are_not_even_read() -> None:
    with pytest.raises(Refusal, match="more than"):
        decode(b"[" + b",".join([b"[]"] * MAX_CONTAINERS) + b"]")


#: Bodies for a route that takes none, with the status that comes of each.
SENT: dict[str, tuple[bytes, str, int]] = {
    "none": (b"", "", 204),
    "none, said to be JSON": (b"", "application/json", 204),
    "blanks": (b" \r\n", "application/json", 204),
    "an empty object": (b"{}", "application/json", 204),
    "null": (b"null", "application/json; charset=utf-8", 204),
    "a field": (b'{"role": "admin"}', "application/json", 422),
    "a list": (b"[]", "application/json", 422),
    "a text": (b'""', "application/json", 422),
    "no JSON": (b"{", "application/json", 400),
    "two names": (b'{"a": 1, "a": 2}', "application/json", 400),
    "a form": (b"a=b", "application/x-www-form-urlencoded", 415),
    "of no type": (b"{}", "", 415),
}


@pytest.mark.parametrize("what", SENT)
async def test_a_route_that_takes_no_body_refuses_what_says_anything(client: Client, what: str) -> None:
    body, kind, status = SENT[what]
    answer = await client.request("DELETE", "/api/things/7", body=body, headers={"Content-Type": kind} if kind else {})
    assert answer.status == status, answer.text
    if status in (415, 422):
        assert "takes no body" in answer.json()["detail"]


async def test_what_such_a_route_does_not_take_is_named(client: Client) -> None:
    answer = await client.request("DELETE", "/api/things/7", json={"role": "admin", "price": 1})
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [
        ("role", "not-accepted"), ("price", "not-accepted"),
    ]  # fmt: skip


@pytest.mark.parametrize("body", [b"{", b'{"role": "admin"}', b"\xff"])
async def test_the_content_of_a_get_has_no_meaning(client: Client, body: bytes) -> None:
    """On the regular path, and where the fast path would have answered: it leaves such a request to that."""
    for _ in range(3):
        plain, sent = await client.get("/api/cached"), await client.get("/api/cached", body=body, headers=JSON)
        assert (sent.status, sent.body) == (plain.status, plain.body)

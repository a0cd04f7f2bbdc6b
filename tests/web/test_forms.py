"""Every field that comes in takes its documented form alone: over all bodies, queries and paths of the route table."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import msgspec
import pytest
from msgspec import inspect

from harvestd.kernel import cursors
from harvestd.kernel.errors import Invalid
from harvestd.market.catalogue.listing_terms import SORTS
from harvestd.market.farms.delivery_rules import WHERE
from harvestd.tables import ROUTES
from harvestd.web import bodies, queries
from harvestd.web import validation as fields
from harvestd.web.routes import Route
from tests.people import Market

ID = "0197f0a0-7c1e-7abc-8def-0123456789ab"
#: Texts for each kind of value that other readers take, and the contract does not.
NUMBERS = (
    "١", "１２", "1_000", " 2", "2 ", "2\n", "+2", "02", "1e0", "1E5", "20.", ".5", "0x10", "NaN", "Infinity", "-inf", "", "²",
    "1,5",
)  # fmt: skip
ODD: dict[str, tuple[str, ...]] = {
    "id": ("{" + ID + "}", "urn:uuid:" + ID, ID.replace("-", ""), ID + "\n", " " + ID, ID.replace("0", "٠"), "", "1", ID + "0"),
    "number": NUMBERS,
    "whole number": (*NUMBERS, "20.0", "1.5"),
    "boolean": ("TRUE", "True", "1", "0", "yes", "on", "", "true\n", " true", "t"),
    "date": ("2026-05-01\n", "2026-5-1", "20260501", "2026-02-30", "٢٠٢٦-05-01", "2026-W18-5", "2026-05-01T00:00:00Z", ""),
    "time": ("2026-05-01T08:00:00", "2026-05-01 08:00:00Z", "2026-05-01T08:00:00Z\n", "1700000000", ""),
}  # fmt: skip
#: What no text with a form of its own takes: each ends or begins with what a careless pattern lets pass.
MARRED = ("{}\n", "\n{}", "{} ", " {}", "{}\u200b", "{}\x00")

#: Forms that the market judges with its own rules, so that all that is wrong is said at once, by fields of bodies: where.
BY_THE_MARKET = {("post_api_auth_register", "username"): "tests/market/accounts/test_routes.py"}


def kind_of(info: Any) -> str:
    """The kind of a leaf, by the table above; ``form`` for a text with a form of its own, and "" for free text."""
    schema: dict[str, Any] = {}
    while isinstance(info, inspect.Metadata):
        schema |= info.extra_json_schema or {}
        info = info.type
    if isinstance(info, inspect.StrType):
        return "id" if schema.get("format") == "uuid" else "form" if "pattern" in schema else ""
    return {
        inspect.DecimalType: "number", inspect.FloatType: "number", inspect.IntType: "whole number", inspect.BoolType: "boolean",
        inspect.DateType: "date", inspect.DateTimeType: "time",
    }.get(type(info), "")  # fmt: skip


def example_of(info: Any) -> str:
    return str(next(iter((info.extra_json_schema or {})["examples"])))


def leaves(info: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each leaf of a type, by the path that an error names it by; of lists the first element."""
    if isinstance(info, inspect.Metadata) and not isinstance(
        info.type, (inspect.ListType, inspect.StructType, inspect.Metadata)
    ):
        yield path, info
    elif isinstance(info, inspect.Metadata):
        yield from leaves(info.type, path)
    elif isinstance(info, inspect.UnionType):
        for one in info.types:
            if not isinstance(one, inspect.NoneType):
                yield from leaves(one, path)
    elif isinstance(info, inspect.StructType):
        for field in info.fields:
            yield from leaves(field.type, f"{path}.{field.encode_name}".removeprefix("."))
    elif isinstance(info, (inspect.ListType, inspect.VarTupleType)):
        yield from leaves(info.item_type, f"{path}[0]")
    else:
        yield path, info


def holding(path: str, value: Any) -> dict[str, Any]:
    """An object that has ``value`` at ``path``, and nothing else."""
    for step in reversed(path.replace("[0]", ".[0]").split(".")):
        value = [value] if step == "[0]" else {step: value}
    found: dict[str, Any] = value
    return found


def with_a(attribute: str) -> list[Route]:
    return [route for route in ROUTES if getattr(route, attribute) is not None]


def refused_at(work: Any) -> set[str]:
    try:
        work()
    except Invalid as refusal:
        assert all(error.code != "invalid" for error in refusal.errors), refusal.errors
        return {error.field for error in refusal.errors}
    return set()


@pytest.mark.parametrize("route", with_a("body"), ids=lambda route: route.name)
def test_a_field_of_a_body_takes_its_documented_form_alone(route: Route) -> None:
    """Numbers and booleans in a body are JSON's own; as texts, only decimals."""
    taken = []
    for path, info in leaves(inspect.type_info(route.body)):
        kind = kind_of(info)
        if (route.name, path) in BY_THE_MARKET:
            continue
        odd = tuple(m.format(example_of(info)) for m in MARRED) if kind == "form" else ODD.get(kind, ())
        for text in odd:
            body = msgspec.json.encode(holding(path, text))
            named = refused_at(partial(lambda body: fields.convert(bodies.decode(body), route.body), body))
            if not any(field.startswith(path) for field in named):
                taken.append((path, text))
    assert taken == []


@pytest.mark.parametrize("route", with_a("query"), ids=lambda route: route.name)
def test_a_parameter_takes_its_documented_form_alone(route: Route) -> None:
    taken = []
    for path, info in leaves(inspect.type_info(route.query)):
        name = path.removesuffix("[0]")
        for text in ODD.get(kind_of(info), ()):
            named = refused_at(partial(queries.decode, urlencode({name: text}), route.query))
            if not any(field.startswith(name) for field in named):
                taken.append((name, text))
    assert taken == []


def types_in(info: Any) -> Iterator[Any]:
    yield info
    for below in (getattr(info, "type", None), getattr(info, "item_type", None), *getattr(info, "types", ())):
        if below is not None:
            yield from types_in(below)
    if isinstance(info, inspect.StructType):
        for field in info.fields:
            yield from types_in(field.type)


@pytest.mark.parametrize("route", [*with_a("body"), *with_a("query")], ids=lambda route: route.name)
def test_every_text_and_list_that_comes_in_has_a_most(route: Route) -> None:
    for kind in (route.body, route.query):
        for path, info in leaves(inspect.type_info(kind)) if kind else ():
            bare = info.type if isinstance(info, inspect.Metadata) else info
            with_form = kind_of(info) in ("id", "form")
            file = route.upload and path == "content"  # bounded by a setting, as files are
            assert not isinstance(bare, inspect.StrType) or bare.max_length or with_form or file, f"{kind}: {path}"
        for info in types_in(inspect.type_info(kind)) if kind else ():
            assert not isinstance(info, inspect.ListType) or info.max_length, f"{kind}: a list of {info.item_type}"


@pytest.mark.parametrize("route", [*with_a("body"), *with_a("query")], ids=lambda route: route.name)
def test_patterns_are_matched_as_a_whole_by_the_readers_and_never_searched_for(route: Route) -> None:
    """A pattern of msgspec's would be searched for as Python does it: ``$`` lets a line feed pass."""
    for kind in (route.body, route.query):
        for info in types_in(inspect.type_info(kind)) if kind else ():
            assert not getattr(info, "pattern", None), f"{kind} has {info.pattern}; use harvestd.web.reading.form"
            pattern = (getattr(info, "extra_json_schema", None) or {}).get("pattern", "^(?:)$")
            assert pattern.startswith("^(?:") and pattern.endswith(")$"), pattern


def largest(info: Any) -> int:
    """Bytes of the largest sensible JSON of a type: texts of letters that take three bytes each, and one of the ways to say where an area is."""
    if isinstance(info, inspect.Metadata):
        return largest(info.type)
    if isinstance(info, inspect.UnionType):
        return max(map(largest, info.types))
    if isinstance(info, inspect.StructType):
        sizes = {field.encode_name: len(field.encode_name) + 6 + largest(field.type) for field in info.fields}
        ways = [sizes.pop(name) for name in WHERE if name in sizes]
        return sum(sizes.values()) + max(ways, default=0)
    if isinstance(info, inspect.ListType):
        return int(info.max_length or 0) * (2 + largest(info.item_type))
    return 3 * int(info.max_length or 14) if isinstance(info, inspect.StrType) else 20


@pytest.mark.parametrize("route", with_a("body"), ids=lambda route: route.name)
def test_the_largest_sensible_body_is_within_its_routes_limit(route: Route) -> None:
    assert route.by_row or largest(inspect.type_info(route.body)) <= route.body_limit


def test_a_number_is_whole_however_it_is_written_and_zero_is_never_negative() -> None:
    from harvestd.market.catalogue.product_body_shapes import NewProduct
    from harvestd.market.catalogue.stock_shapes import ChangeStock

    body = b'{"title": "Leek", "unit": "kg", "price": 250.0, "stock": "-0"}'
    found = fields.convert(bodies.decode(body), NewProduct)
    assert (found.price, type(found.price), str(found.stock)) == (250, int, "0")
    for text in (b"-0", b"-0.0", b"-0e3", b'"-0.000"'):
        zero = fields.convert(bodies.decode(b'{"change": ' + text + b"}"), ChangeStock).change
        assert zero == 0 and not Decimal(zero).is_signed()


def test_of_money_the_member_that_is_wrong_is_named() -> None:
    from harvestd.market.catalogue.product_body_shapes import ChangeProduct

    wrong = [
        ('{"price": {"amount": "250", "currency": "EUR"}}', "price.amount"),
        ('{"price": {"amount": 1}}', "price.currency"),
    ]
    for body, field in wrong:
        assert refused_at(partial(fields.convert, bodies.decode(body.encode()), ChangeProduct)) == {field}


async def test_ids_in_capitals_are_the_same_ids_everywhere(market: Market) -> None:
    farmer, buyer, admin = await market.farmer(), await market.person(), await market.person("admin")
    category = (await admin.post("/api/categories", {"name": "Roots"})).json()
    product = await market.product(farmer, category_id=category["id"].upper())
    assert product["category"]["id"] == category["id"]
    order = (await buyer.order((product["id"].upper(), 1))).json()
    assert order["lines"][0]["product_id"] == product["id"]
    for path in (
        f"/api/products/{product['id']}", f"/api/farms/{farmer.farm_id}", f"/api/users/{buyer.id}", f"/api/orders/{order['id']}",
    ):  # fmt: skip
        small, large = (
            await buyer.get(path),
            await buyer.get(path.rpartition("/")[0] + "/" + path.rpartition("/")[2].upper()),
        )
        assert (small.status, large.status, large.json()) == (200, 200, small.json())
    for query in (f"farm={farmer.farm_id.upper()}", f"category={category['id'].upper()}"):
        assert [p["id"] for p in (await market.stranger.get(f"/api/products?{query}")).json()["items"]] == [
            product["id"]
        ]
    last = cursors.encode("newest", "ffffffff-ffff-ffff-ffff-ffffffffffff".upper())
    assert len((await market.stranger.get(f"/api/products?after={last}")).json()["items"]) == 1


#: Keys that PostgreSQL, or Python on the way to it, does not take.
MADE_UP: tuple[Any, ...] = (
    0, -1, 2**31, 2**40, 2**62, 2**63 - 1, -(2**63), 2**64 - 1, 1.5, float("nan"), float("inf"), 1e308, "", "١", "1e400000", "NaN",
    "sNaN", "Infinity", "1_0", " 1", "9" * 900, "0." + "0" * 900 + "1", "\x00", "x", None, True, [], {}, b"\x00\xff",
    datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC), ID, ID.upper(), "{" + ID + "}", ID + "\n", ID.replace("-", ""),
)  # fmt: skip


def made_up(sort: str, length: int) -> Iterator[str]:
    sound: tuple[Any, ...] = (1, ID)
    for place in range(length):
        for part in MADE_UP:
            key = list(sound[-length:])
            key[place] = part
            packed = msgspec.msgpack.encode([sort, *key])
            yield base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


@pytest.mark.limit(120)
async def test_a_made_up_cursor_of_any_list_is_422_or_a_page_and_never_500(market: Market) -> None:
    farmer, admin = await market.farmer(), await market.person("admin")
    await market.product(farmer)
    lists: list[tuple[Any, str, str, int]] = [
        (market.stranger, f"/api/products?sort={sort}&after=", sort, len(rule.key)) for sort, rule in SORTS.items()
    ]
    lists += [
        (market.stranger, "/api/farms?after=", "farms", 1), (market.stranger, "/api/farms?near=1,2&after=", "near", 2),
        (admin, "/api/orders?after=", "orders", 1), (farmer, "/api/orders?after=", "orders", 1),
        (admin, "/api/notifications?after=", "notifications", 1),
    ]  # fmt: skip
    for who, path, sort, length in lists:
        for cursor in made_up(sort, length):
            response = await who.get(path + quote(cursor))
            assert response.status in (200, 422), (path, base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            if response.status == 422:
                assert [(e["field"], e["code"]) for e in response.json()["errors"]] in (
                    [("after", "bad-cursor")],
                    [("after", "too-long")],
                )


@pytest.mark.limit(60)
async def test_a_made_up_cursor_of_a_search_is_422_or_a_page_and_never_500(market: Market) -> None:
    """The digest of the question is no secret, so a cursor for it can be made."""
    farmer = await market.farmer()
    await market.product(farmer, title="Leeks")
    await market.work()
    first = (await market.stranger.get("/api/search?q=leeks&limit=1")).json()
    assert first["items"]
    await market.product(farmer, title="Leeks again")
    await market.work()
    cursor = (await market.stranger.get("/api/search?q=leeks&limit=1")).json()["next"]
    digest, as_of, _, _, id = msgspec.msgpack.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    times = (0, -1, 2**31, 2**40, 253402300799, 2**62, as_of, "x", None, 1.5)
    scores = (0, -1, 2**31, 2**61, 2**62, 2**63 - 1, -(2**63), 1.5, 1e30, -1e300, float("nan"), float("inf"), "1", None)
    keys = [
        (digest, t, w, s, i)
        for t in times
        for s in scores
        for w in (True, False, 1)
        for i in (id, "", str(UUID(int=0)), b"\x00" * 16)
    ]
    for key in keys:
        made = base64.urlsafe_b64encode(msgspec.msgpack.encode(key)).rstrip(b"=").decode()
        response = await market.stranger.get(f"/api/search?q=leeks&limit=1&after={made}")
        assert response.status in (200, 422), key
    assert UUID(id)

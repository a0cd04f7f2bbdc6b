"""GET /api/products/export.csv and .jsonl: the import takes them back, and nothing changes."""

from __future__ import annotations

import csv
import io
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvestd.market.catalogue import exporting
from harvestd.market.catalogue.table_cells import joined, neutral, plain, split
from harvestd.market.catalogue.table_columns import COLUMNS
from harvestd.parts import Parts
from harvestd.store.postgres.statements import Statement
from tests.lengths import length
from tests.market.catalogue.test_importing import COUNTS, done
from tests.market.catalogue.test_translations import LEEKS, in_german
from tests.people import Market, Person
from tests.web.conftest import make_market

EVENTS = Statement("test.export.events", "select count(*) from outbox", lambda n: n)
#: What spreadsheets and readers of tables stumble over.
AWKWARD = [
    "=1+1", "'=x", "''=x", "-5", "+43", "@sum", "a|b", "a\\|b", "back\\", 'q"uote', '"', "semi;colon, comma", "Ærøskøbing 🥕", "'", "it's", "two\nlines", "sep=;", "NULL",
    "1,250", "0012", "1e5", "{}", "\u202eright", "＝1+1", "＋5", "－5", "＠sum", "'＝x",
]  # fmt: skip

#: The signs that begin a formula in one spreadsheet or another.
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def a_product(rng: random.Random, n: int) -> dict[str, Any]:
    unit = rng.choice(["kg", "g", "each", "bunch", "litre"])
    word = lambda: rng.choice(AWKWARD)  # noqa: E731
    line = lambda: word().replace("\n", " ")  # noqa: E731
    found: dict[str, Any] = {
        "title": line(), "unit": unit, "price": rng.randrange(100_000), "stock": rng.randrange(1000), "description": word(), "ingredients": word(),
        "status": rng.choice(["draft", "published", "archived"]), "tags": [line() for _ in range(rng.randrange(4))], "lot": line(), "origin": line(),
        "metadata": {f"k{i}": word() for i in range(rng.randrange(3))}, "allergens": rng.sample(["milk", "nuts", "eggs"], rng.randrange(3)),
    }  # fmt: skip
    more: dict[str, Any] = {
        "sku": f"{line()[:20]} {n}", "external_id": rng.choice(["=x", "@1", "'-", "a|b"]) + str(n), "season": {"from": "11-01", "to": "02-29"}, "harvested_on": "2026-07-01",
        "price_per": {"quantity": 3, "unit": unit}, "quantity_step": 2, "min_quantity": 4, "gtin": "04006381333931", "storage": "chilled",
        "variants": [
            {"title": f"{line()[:20]} {i}", "price": rng.randrange(9999), "takes": rng.randrange(1, 9), "sku": line()[:20], "external_id": rng.choice([None, f"=p{i}"])}
            for i in range(rng.randrange(4))
        ],
        "durability": {"kind": "use_by", "date": "2026-01-01"}, "certifications": [{"scheme": word().replace("\n", ""), "valid_until": "2030-01-01"}],
    }  # fmt: skip
    return found | {name: value for name, value in more.items() if rng.random() < 0.5}


async def exported(who: Person, ending: str) -> bytes:
    answer = await who.get(f"/api/products/export.{ending}")
    assert answer.status == 200, answer.text
    return answer.body


@pytest.mark.limit(120)
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
async def test_what_is_exported_and_imported_changes_nothing(
    market: Market, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "AT_ONCE", 7)
    farmer, count, rng = await market.farmer(), int(length(40, 400)), random.Random(11)
    made = await farmer.post("/api/products/bulk", {"rows": [a_product(rng, n) for n in range(count)]})
    assert {one["status"] for one in made.json()["results"]} == {"created"}, made.text
    before, events = await market.parts.database.row(COUNTS), await market.parts.database.row(EVENTS)
    content = await exported(farmer, ending)
    told = await done(market, farmer, content)
    assert told["status"] == "succeeded", told["errors"]
    assert told["result"] == {"rows": count, "created": 0, "updated": 0, "unchanged": count, "dry_run": False}
    assert await exported(farmer, ending) == content
    assert (await market.parts.database.row(COUNTS), await market.parts.database.row(EVENTS)) == (before, events)


async def test_no_cell_is_a_formula_and_the_columns_are_those_of_the_import(market: Market) -> None:
    farmer, other = await market.farmer(), await market.farmer("Other")
    await market.product(farmer, title="=HYPERLINK(1)", lot="+1", origin="@x", sku="-1", status="draft")
    await market.product(other, title="Theirs")
    answer = await farmer.get("/api/products/export.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8" and "no-store" in answer.headers["cache-control"]
    assert answer.headers["transfer-encoding"] == "chunked" and "content-length" not in answer.headers
    names, *rows = csv.reader(io.StringIO(answer.body.decode("utf-8-sig")))
    assert names == [one for one in COLUMNS if one != "translations"] and len(rows) == 1
    found = dict(zip(names, rows[0], strict=True))
    assert [found[name] for name in ("title", "lot", "origin", "sku")] == ["'=HYPERLINK(1)", "'+1", "'@x", "'-1"]
    assert not [cell for cell in rows[0] if cell[:1] in FORMULAS and cell]


async def test_translations_have_columns_of_their_own_which_the_import_takes_back(parts: Parts) -> None:
    """Of the languages that the market speaks."""
    spoken = in_german(parts)
    farmer = await spoken.farmer()
    await spoken.product(farmer, **LEEKS)
    await spoken.product(farmer, title="Kohl")
    for ending in ("csv", "jsonl"):
        content = await exported(farmer, ending)
        told = await done(spoken, farmer, content)
        assert (told["result"] or told)["unchanged"] == 2, told
        assert await exported(farmer, ending) == content
    names, cabbage, leeks = csv.reader(io.StringIO((await exported(farmer, "csv")).decode("utf-8-sig")))
    if "Lauch" in cabbage:
        cabbage, leeks = leeks, cabbage
    assert names[-4:] == ["title_fr", "description_fr", "title_en", "description_en"] and "translations" not in names
    assert (cabbage[-4:], leeks[-4:]) == ([""] * 4, ["Poireaux", "De Vienne.", "Leeks", ""])
    sku = dict(zip(names, leeks, strict=True))["id"]
    await done(spoken, farmer, f"id,title_fr,description_fr,title_en\n{sku},Poireau,,")
    shown = (await farmer.get(f"/api/products/{sku}")).json()["translations"]
    assert shown == {"fr": {"title": "Poireau", "description": ""}}


@given(st.text())
def test_a_neutral_cell_is_no_formula_and_taken_back(text: str) -> None:
    assert plain(neutral(text)) == text and neutral(text)[:1] not in FORMULAS


@pytest.mark.parametrize("sign", FORMULAS)
def test_no_sign_that_begins_a_formula_is_first_in_a_cell(sign: str) -> None:
    for text in (f"{sign}1+1", f"'{sign}1", f"''{sign}1", sign):
        assert neutral(text) == f"'{text}" and plain(neutral(text)) == text
    assert neutral(f"a{sign}1") == f"a{sign}1"


async def test_groups_and_their_prices_are_columns_which_the_import_takes_back(market: Market) -> None:
    """A file that says nothing of them leaves them, one that is edited may name them by slug; a group that is gone stays closed."""
    manager, farmer = await market.person("manager"), await market.farmer()
    made = [
        (await manager.post("/api/groups", {"name": name})).json()["id"] for name in ("Members", "Wholesale", "Gone")
    ]
    prices = [{"group": made[1], "price": 280}, {"group": "members", "price": 350}]
    secret = await market.product(farmer, price=400, visible_to=[*made], prices=prices, sku="S")
    open_ = await market.product(farmer, price=400, sku="O")
    gone = await manager.request("DELETE", f"/api/groups/{made[2]}", If_Match="*")
    assert gone.status == 204, gone.text
    content = await exported(farmer, "csv")
    rows = {row["sku"]: row for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig")))}
    by_id = dict(zip(made, ("members", "wholesale", made[2]), strict=True))
    assert rows["S"]["visible_to"] == "|".join(by_id[id] for id in sorted(made))
    assert set(rows["S"]["prices"].split("|")) == {"members=3.50", "wholesale=2.80"}
    assert (rows["O"]["visible_to"], rows["O"]["prices"]) == ("", "")
    for ending in ("csv", "jsonl"):
        told = await done(market, farmer, await exported(farmer, ending))
        assert told["result"]["unchanged"] == 2, told
    await done(market, farmer, "sku,title\nS,Secret\n")
    assert (await farmer.get(f"/api/products/{secret['id']}")).json()["visible_to"] == sorted(made)
    told = await done(market, farmer, 'sku,visible_to,prices\nO,wholesale,"wholesale=3,20| members = 3.5"\nS,,\n')
    assert told["result"]["updated"] == 2, told
    shown = (await farmer.get(f"/api/products/{open_['id']}")).json()
    assert shown["visible_to"] == [made[1]]
    assert {one["group"]: one["price"]["amount"] for one in shown["prices"]} == {made[1]: 320, made[0]: 350}
    assert (await market.stranger.get(f"/api/products/{open_['id']}")).status == 404


@pytest.mark.parametrize(
    ("cell", "field", "said"),
    [
        ("members", "prices", "members=3.50"), ("members=", "prices", "members=3.50"), ("=3.50", "prices", "members=3.50"), ("members=-1", "prices", "a number such as"),
        ("members=3.505", "prices", "decimals"), ("nobody=1", "prices[0].group", "no group"), ("members=1|members=2", "prices[1].group", "given above"),
        ("members=4.01", "prices[0].price", "what everybody pays"),
    ],
)  # fmt: skip
async def test_a_groups_price_that_is_not_understood_is_refused_by_its_column(
    market: Market, cell: str, field: str, said: str
) -> None:
    manager, farmer = await market.person("manager"), await market.farmer()
    assert (await manager.post("/api/groups", {"name": "Members"})).status == 201
    failed = await done(market, farmer, f"sku,title,unit,price,stock,prices\nA,Beets,kg,4,1,{cell}")
    (error,) = failed["errors"]
    assert error["field"] == f"rows[0].{field}" and said in error["message"], error


@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Zs", "Zl", "Zp"]), min_size=1)))
def test_texts_in_one_cell_come_out_as_they_went_in(texts: list[str]) -> None:
    assert split(joined(texts)) == texts


async def test_what_fails_in_the_middle_ends_the_connection(
    market: Market, monkeypatch: pytest.MonkeyPatch, expected_errors: Any
) -> None:
    farmer, calls, of_farm = await market.farmer(), [0], exporting.store.of_farm
    await farmer.post("/api/products/bulk", {"rows": [{"title": "A", "unit": "kg", "price": 1, "stock": 1}] * 5})

    async def breaking(*arguments: Any) -> Any:
        calls[0] += 1
        if calls[0] == 2:
            raise RuntimeError("the database is gone")
        return await of_farm(*arguments)

    monkeypatch.setattr(exporting, "AT_ONCE", 2)
    monkeypatch.setattr(exporting.store, "of_farm", breaking)
    with pytest.raises(AssertionError, match="closed after"):
        await farmer.get("/api/products/export.jsonl")
    assert expected_errors(RuntimeError)


async def test_a_client_that_does_not_read_is_waited_for_and_one_that_has_gone_is_not(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    farmer, read = await market.farmer(), list[int]()
    rows = [{"title": "A", "unit": "kg", "price": 1, "stock": 1, "description": "x" * 9000}] * 25
    for _ in range(2):
        await farmer.post("/api/products/bulk", {"rows": rows})
    of_farm = exporting.store.of_farm

    async def counting(*arguments: Any) -> Any:
        read.append(1)
        return await of_farm(*arguments)

    monkeypatch.setattr(exporting, "AT_ONCE", 5)
    monkeypatch.setattr(exporting.store, "of_farm", counting)
    here = make_market(market.parts)
    connection = here.stranger.site and farmer.client.connect()
    connection.transport.reading = False
    token = farmer.client.headers["Authorization"]
    connection.send(
        f"GET /api/products/export.jsonl HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token}\r\n\r\n".encode()
    )
    from tests.waiting import eventually

    await eventually("it waits", lambda: connection.transport.producer_paused)
    waited = len(read)
    assert waited < 8
    connection.hang_up()
    await farmer.get("/api/products?limit=1")
    assert len(read) <= waited + 1, "no more is read for nobody"


@pytest.mark.parametrize(("version", "framed"), [("1.0", False), ("1.1", True)])
async def test_an_old_client_gets_the_body_until_the_connection_ends(
    market: Market, version: str, framed: bool
) -> None:
    farmer = await market.farmer()
    await market.product(farmer)
    headers = f"Host: localhost\r\nAuthorization: {farmer.client.headers['Authorization']}\r\nConnection: close\r\n\r\n"
    connection = farmer.client.connect()
    connection.send(f"GET /api/products/export.jsonl HTTP/{version}\r\n{headers}".encode())
    answer = await connection.receive()
    assert ("transfer-encoding" in answer.headers) is framed
    assert answer.body.count(b"\n") == 1 and b'"title":"Carrots"' in answer.body
    whole = farmer.client.connect()
    whole.send(f"HEAD /api/products/export.jsonl HTTP/{version}\r\n{headers}".encode())
    assert (await whole.receive(head=True)).body == b""

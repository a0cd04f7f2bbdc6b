"""POST /api/products/import: what spreadsheets write is understood or refused by name; all of a file is written, or none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harvestd.market.catalogue import importing
from harvestd.market.long_work import running
from harvestd.parts import Parts
from harvestd.store.postgres.statements import Statement
from tests.market.catalogue.test_translations import in_german
from tests.people import Market, Person
from tests.uploading import form
from tests.web.client import Response

COUNTS = Statement(
    "test.import.counts",
    "select (select count(*) from products), (select count(*) from stock_ledger), (select count(*) from product_import_pieces)",
    lambda *n: n,
)
HEADER = "sku,title,unit,price,stock"
#: The same two products, as they come out of spreadsheets.
FILES: dict[str, bytes] = {
    "Excel, CSV (German)": "SKU;Title;Unit;Price;Stock;Tags\r\nB-1;Rüben, rot;kg;3,50;12,5;bio|rot\r\nE-1;Eier „L“;each;0,35;600;\r\n".encode("cp1252"),
    "Excel, CSV UTF-8": "\ufeffsku;title;unit;price;stock;tags\r\nB-1;Rüben, rot;kg;3,50;12,5;bio|rot\r\nE-1;Eier „L“;each;0,35;600;\r\n".encode(),
    "Excel, CSV (US)": '\ufeffsku,title,unit,price,stock,tags\r\nB-1,"Rüben, rot",kg,3.50,12.5,bio|rot\r\nE-1,Eier „L“,each,0.35,600,\r\n'.encode(),
    "Excel, with sep": "sep=;\r\nsku;title;unit;price;stock;tags\r\nB-1;Rüben, rot;kg;3,5;12,5;bio|rot\r\nE-1;Eier „L“;each;0,35;600;\r\n".encode(),
    "LibreOffice, all text quoted": '"sku","title","unit","price","stock","tags"\n"B-1","Rüben, rot","kg",3.5,12.5,"bio|rot"\n"E-1","Eier „L“","each",0.35,600,\n'.encode(),
    "Google Sheets": 'sku,title,unit,price,stock,tags\r\nB-1,"Rüben, rot",kg,"3,50","12,5",bio|rot\r\nE-1,Eier „L“,each,"0,35",600,'.encode(),
    "Empty lines first": b"\xef\xbb\xbf\r\n\r\n" + "sku;title;unit;price;stock;tags\r\nB-1;Rüben, rot;kg;3,50;12,5;bio|rot\r\nE-1;Eier „L“;each;0,35;600;\r\n".encode(),
    "Numbers, tabs": "sku\ttitle\tunit\tprice\tstock\ttags\nB-1\tRüben, rot\tkg\t3,50\t12,5\tbio|rot\n\t\t\t\t\t\nE-1\tEier „L“\teach\t0,35\t600\t\n".encode(),
    "JSON Lines": (
        '{"sku":"B-1","title":"Rüben, rot","unit":"kg","price":350,"stock":"12.5","tags":["bio","rot"]}\n\n'
        '{"sku":"E-1","title":"Eier „L“","unit":"each","price":{"amount":35,"currency":"EUR"},"stock":600}'
    ).encode(),
}  # fmt: skip


async def send(who: Person, content: bytes | str, query: str = "", kind: str = "text/csv") -> Response:
    body = content if isinstance(content, bytes) else content.encode()
    return await who.client.request("POST", f"/api/products/import{query}", body=body, headers={"Content-Type": kind})


async def done(market: Market, who: Person, content: bytes | str, query: str = "") -> dict[str, Any]:
    answer = await send(who, content, query)
    assert answer.status == 202, answer.text
    await running.run(market.parts)
    found: dict[str, Any] = (await who.get(answer.headers["location"])).json()
    return found


def fields(operation: dict[str, Any]) -> list[tuple[str, str]]:
    return [(error["field"], error["code"]) for error in operation["errors"]]


@pytest.mark.parametrize("name", FILES)
async def test_what_spreadsheets_write_is_understood(market: Market, name: str) -> None:
    farmer = await market.farmer()
    made = await done(market, farmer, FILES[name])
    assert made["status"] == "succeeded", made
    assert made["result"] == {
        "rows": 2,
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "dry_run": False,
    }
    eggs, beets = (await farmer.get("/api/products?mine=true")).json()["items"]
    assert (beets["title"], beets["price"]["amount"], beets["stock"], beets["tags"]) == (
        "Rüben, rot",
        350,
        "12.500",
        ["bio", "rot"],
    )
    assert (eggs["title"], eggs["price"]["amount"], eggs["stock"], eggs["sku"]) == ("Eier „L“", 35, "600.000", "E-1")
    again = await done(market, farmer, FILES[name])
    assert (again["result"]["unchanged"], again["result"]["created"]) == (2, 0)
    assert await market.parts.database.row(COUNTS) == (2, 2, 0), "no row of the ledger, and no file, is left over"


@pytest.mark.parametrize(
    ("content", "field", "said"),
    [
        ("sku\ttitle\n1\ta".encode("utf-16"), "file", "UTF-16"), (b"sku,title\r1,a\r", "file", "Macintosh"), (b"sku,title\n\x81,a\n", "file", "Windows-1252"),
        (b"", "file", "no rows"), (b"sku,colour,sku\n", "columns[1]", "no column"), (b"sku,title,SKU\n", "columns[2]", "once"),
        (b'sku,title\n1,"a\n', "rows[0]", "quotation"), (b"sku\n" + b"1\n" * 100_001, "file", "100000 rows"),
        (b"sku,title\n1," + b"x" * 600_000, "file", "262144 bytes"), (b"sku\n" + b"\n" * 524_288, "file", "100000 rows, empty ones included"),
        (b'{"sku":"1"}' + b"\n" * 524_288, "file", "100000 rows"), (b"sku,titel\n", "columns[1]", "is “titel”, which is no column of products; did you mean title?"),
        (b"sku,category_id\n", "columns[1]", "did you mean category?"), (b"sku,x" + b"y" * 99 + b"\n", "columns[1]", "y…”, which is no column"),
        (b"sku,title_fr\n", "columns[1]", "“title_fr”, which is no column of products"),
        (b"sku," + b"a," * 130_000 + b"\n", "columns", "at most 200"), (b"sku," + b",".join(b"a%d" % n for n in range(20_000)) + b"\n", "columns", "at most 200"),
    ],
)  # fmt: skip
async def test_what_is_not_understood_is_refused_by_name(market: Market, content: bytes, field: str, said: str) -> None:
    refused = await send(await market.farmer(), content)
    assert refused.status == 422, refused.text
    error = refused.json()["errors"][0]
    assert error["field"] == field and said in error["message"], error


@pytest.mark.parametrize(
    ("columns", "cells", "per"),
    [
        ("price_per", "1 kg", ("1.000", "kg")), ("price_per", "500 g", ("0.500", "kg")), ("price_per", "kg", ("1.000", "kg")), ("price_per", "/kg", ("1.000", "kg")),
        ("price_per", '"0,5"', ("0.500", "kg")), ("price_per,price_per_unit", "100,g", ("0.100", "kg")), ("price_per,price_per_unit", "100 g,g", ("0.100", "kg")),
        ("price_per,price_per_unit", "2 kg,", ("2.000", "kg")), ("price_per", "", ("1.000", "kg")),
    ],
)  # fmt: skip
async def test_a_quantity_may_have_its_unit_in_its_cell(
    market: Market, columns: str, cells: str, per: tuple[str, str]
) -> None:
    farmer = await market.farmer()
    told = await done(market, farmer, f"{HEADER},{columns}\nA,Beets,kg,4,1,{cells}")
    assert told["status"] == "succeeded", told
    (beets,) = (await farmer.get("/api/products?mine=true")).json()["items"]
    assert beets["price_per"] == {"quantity": per[0], "unit": per[1]}


@pytest.mark.parametrize(
    ("columns", "cells", "field", "said"),
    [
        ("price_per", "1 stone", "price_per", "one of"), ("price_per,price_per_unit", "100 g,kg", "price_per_unit", "say it once"), ("price_per", "a dozen of", "price_per", "a number such as"),
        ("estimated_weight", "kg", "estimated_weight", "a number such as"), ("metadata", "shelf B", "metadata", "JSON"), ("metadata", "7", "metadata", "object"),
    ],
)  # fmt: skip
async def test_a_cell_that_is_not_understood_is_refused_by_its_column(
    market: Market, columns: str, cells: str, field: str, said: str
) -> None:
    failed = await done(market, await market.farmer(), f"{HEADER},{columns}\nA,Beets,kg,4,1,{cells}")
    (error,) = failed["errors"]
    assert error["field"] == f"rows[0].{field}" and said in error["message"], error


async def test_a_column_of_metadata_is_notes_of_another_system(market: Market) -> None:
    farmer = await market.farmer()
    await done(market, farmer, f'{HEADER},metadata\nA,Beets,kg,4,1,"{{""shelf"": ""B4""}}"')
    (beets,) = (await farmer.get("/api/products?mine=true")).json()["items"]
    assert beets["metadata"] == {"shelf": "B4"}


async def test_texts_of_a_language_are_said_in_one_way(parts: Parts) -> None:
    spoken = in_german(parts)
    farmer = await spoken.farmer()
    refused = await send(farmer, "sku,translations,title_fr\n")
    assert [(e["field"], e["code"]) for e in refused.json()["errors"]] == [("columns[1]", "given-twice")]
    failed = await done(
        spoken, farmer, f"{HEADER},title_fr,description_fr\nA,Lauch,kg,4,1,,De Vienne.\nB,Kohl,kg,4,1,{'x' * 201},"
    )
    assert fields(failed) == [("rows[0].title_fr", "required"), ("rows[1].title_fr", "too-long")]


def test_a_file_of_empty_lines_is_refused_before_it_is_read() -> None:
    """The most that an upload may have takes no longer than to count its lines."""
    from io import BytesIO
    from time import process_time

    from harvestd.kernel.errors import Invalid
    from harvestd.market.catalogue.table_rules import examined

    before = process_time()
    for content in (b"sku\n" + b"\n" * 5_000_000, b'{"sku":1}' + b"\n" * 5_000_000):
        with pytest.raises(Invalid):
            examined(BytesIO(content))
    assert process_time() - before < 0.3


async def test_each_error_has_its_row_and_column_and_nothing_is_written(market: Market) -> None:
    farmer = await market.farmer()
    lines = [
        "sku,title,unit,price,stock,category,season_from,season_to,durability_date,tags,metadata,status",
        "A,Fine,kg,1.00,1,,,,,,,", "B,,kg,1.00,1,,,,,,,", "C,Three,kg,-1,1,,,,,,,", "D,Four,kg,1.005,1,,,,,,,", 'E,Five,kg,"1,250",1,,,,,,,',
        "F,Six,stone,1,1,,,,,,,", "G,Seven,each,1,0.5,,,,,,,", "H,Eight,kg,1,1,nowhere,,,,,,", "I,Nine,kg,1,1,,05-01,,,,,", "J,Ten,kg,1,1,,05-01,x,,,,",
        "A,Again,kg,1,1,,,,,,,", ",Nameless,kg,1,1,,,,,,,", "K,Eleven,kg,1,1,,,,2026-01-01,,,", "L,Twelve,kg,1,1,,,,,,{,", "M,Thirteen,kg,1,1,,,,,,,sold",
        "N,Fourteen,kg,1,1,,,,,,,,too many",
    ]  # fmt: skip
    for query in ("", "?dry_run=true"):
        failed = await done(market, farmer, "\n".join(lines), query)
        assert failed["status"] == "failed"
        assert [field for field, _ in fields(failed)] == [
            "rows[1].title", "rows[2].price", "rows[3].price", "rows[4].price", "rows[5].unit", "rows[6].stock", "rows[7].category",
            "rows[8].season_to", "rows[9].season_to", "rows[10].sku", "rows[11].external_id", "rows[12].durability_kind", "rows[13].metadata",
            "rows[14].status", "rows[15]",
        ]  # fmt: skip
    assert (await market.parts.database.row(COUNTS))[:2] == (0, 0)


async def test_a_dry_run_tells_what_would_happen(market: Market) -> None:
    farmer = await market.farmer()
    await done(market, farmer, f"{HEADER}\nA,Beets,kg,1,1\nB,Leeks,kg,1,1")
    before = await market.parts.database.row(COUNTS)
    told = await done(market, farmer, f"{HEADER}\nA,Beets,kg,1,1\nB,Leeks,kg,2,1\nC,Kale,kg,1,1", "?dry_run=true")
    assert told["result"] == {"rows": 3, "created": 1, "updated": 1, "unchanged": 1, "dry_run": True}
    assert told["progress"] == {"done": 3, "total": 3}
    assert await market.parts.database.row(COUNTS) == before


async def test_columns_that_are_not_there_stay_and_empty_cells_empty(market: Market) -> None:
    farmer = await market.farmer()
    await done(market, farmer, "sku,title,unit,price,stock,origin,tags,lot\nA,Beets,kg,1,5,Vermont,red,L1")
    changed = await done(market, farmer, "sku,price,stock,origin,title\nA,2,,,")
    assert changed["result"]["updated"] == 1, changed
    (beets,) = (await farmer.get("/api/products?mine=true")).json()["items"]
    assert (beets["title"], beets["price"]["amount"], beets["stock"]) == ("Beets", 200, "5.000")
    assert (beets["origin"], beets["tags"], beets["lot"]) == ("", ["red"], "L1")


async def test_a_file_of_many_steps_is_checked_whole_before_anything_is_written(market: Market) -> None:
    farmer, count = await market.farmer(), importing.AT_ONCE * 2 + 10
    lines = [HEADER, *(f"S-{n},Beets {n},kg,1,1" for n in range(count))]
    failed = await done(market, farmer, "\n".join([*lines, "S-0,Twice,kg,1,1", "Z,No price,kg,,1"]))
    assert fields(failed) == [(f"rows[{count}].sku", "given-twice"), (f"rows[{count + 1}].price", "required")]
    assert (await market.parts.database.row(COUNTS))[:2] == (0, 0)
    made = await done(market, farmer, "\n".join(lines))
    assert (made["result"]["created"], made["progress"]) == (count, {"done": count, "total": count})
    assert await market.parts.database.row(COUNTS) == (count, count, 1), "the file that failed goes with its operation"


async def test_progress_counts_each_row_once_and_the_rows_of_a_result_add_up_whatever_lines_are_empty(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of it while rows are checked, the rest while they are written."""
    monkeypatch.setattr(importing, "AT_ONCE", 4)
    farmer, seen = await market.farmer(), list[tuple[int, int]]()
    step = importing._following

    async def noted(*given: Any) -> Any:
        found = await step(*given)
        seen.append((found.done, found.total))
        return found

    monkeypatch.setattr(importing, "_following", noted)
    lines = [HEADER, "", *(f"S-{n},Beets {n},kg,1,1\n,,,," for n in range(6)), "", ""]
    checked = await done(market, farmer, "\n".join(lines), "?dry_run=true")
    assert (checked["result"]["rows"], checked["result"]["created"]) == (6, 6)
    assert checked["progress"] == {"done": 6, "total": 6}
    seen.clear()
    made = await done(market, farmer, "\n".join(lines))
    assert made["result"] == {"rows": 6, "created": 6, "updated": 0, "unchanged": 0, "dry_run": False}
    assert {total for _, total in seen} == {6} and seen == sorted(seen) and seen[-1] == (6, 6)
    assert 0 < seen[0][0] <= 3 and any(n == 3 for n, _ in seen), "half, once all are checked"


async def test_the_columns_that_there_are_are_told_once(market: Market) -> None:
    refused = await send(await market.farmer(), "sku,colour,shade,titel,hue,sku\n")
    errors = refused.json()["errors"]
    assert [error["params"]["reason"] for error in errors] == [
        "columns",
        "column",
        "column-meant",
        "column",
        "same-column",
    ]
    assert [error["code"] for error in errors] == ["not-accepted"] * 4 + ["given-twice"]
    assert [len(error["message"]) > 200 for error in errors] == [True, False, False, False, False]
    assert "visible_to" in errors[0]["params"]["possible"] and errors[2]["params"]["meant"] == "title"


async def test_each_language_has_the_hint_of_each_error(parts: Parts) -> None:
    """What to do about it is not lost in translation."""
    spoken = in_german(parts)
    farmer = await spoken.farmer()
    failed = await send(farmer, f"{HEADER}\nA,Rüben,kg,1,1\nA,Rüben,kg,1,1\nB,Kohl,kg,x,1\nC,Lauch,kg,,1\n")
    await running.run(spoken.parts)
    path = failed.headers["location"]
    told = {
        tag: (await farmer.get(path, headers={"Accept-Language": tag})).json()["errors"] for tag in ("de", "en", "fr")
    }
    for tag, words in (("de", ("früheren", "3,50", "neues Produkt")), ("en", ("earlier", "3.50", "new product")), ("fr", ("précédente", "3,50", "nouveau produit"))):  # fmt: skip
        assert len(told[tag]) == 3
        for error, word in zip(told[tag], words, strict=True):
            assert word in error["message"], (tag, error)


async def test_one_that_is_cancelled_while_it_writes_is_completed_by_the_same_file(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    farmer, count = await market.farmer(), importing.AT_ONCE + 10
    content = "\n".join([HEADER, *(f"S-{n},Beets {n},kg,1,1" for n in range(count))])
    step, answer = importing.many_actions.write, await send(farmer, content)
    wrote: list[int] = []

    async def cancelling(unit: Any, writing: Any, rows: Any) -> Any:
        if not writing.dry:
            wrote.append(len(rows))
            if len(wrote) == 2:
                assert (await farmer.request("DELETE", answer.headers["location"])).status == 200
        return await step(unit, writing, rows)

    monkeypatch.setattr(importing.many_actions, "write", cancelling)
    await running.run(market.parts)
    monkeypatch.undo()
    assert (await farmer.get(answer.headers["location"])).json()["status"] == "cancelled"
    assert (await market.parts.database.row(COUNTS))[0] == importing.AT_ONCE
    rest = await done(market, farmer, content)
    assert (rest["result"]["unchanged"], rest["result"]["created"]) == (importing.AT_ONCE, 10)


async def test_it_comes_as_a_form_too_and_nothing_else_is_taken(market: Market) -> None:
    farmer = await market.farmer()
    body, headers = form(f"{HEADER}\nA,Beets,kg,1,1".encode(), "products.csv")
    assert (await send(farmer, body, kind=headers["Content-Type"])).status == 202
    refused = await send(farmer, b"PK", kind="application/vnd.ms-excel")
    assert refused.status == 415 and "text/csv" in refused.json()["detail"]
    assert (await send(farmer, b"sku\n", query="?dry_run=maybe")).status == 422
    assert (await send(await market.person(), b"sku\n")).status == 403


async def test_json_in_a_cell_is_as_strict_as_a_body_and_no_cell_stops_the_import(market: Market) -> None:
    farmer = await market.farmer()
    filler = "".join(
        f"F-{n},Peas,kg,1,1,,,{'x' * 1900}\n" for n in range(150)
    )  # what is wrong is after what is looked at first
    wrong = [
        ("title", "A,a\0b,kg,1,1,,"), ("sku", "a\0b,Nul,kg,1,1,,"), ("variants", 'C,Half,kg,1,1,"[{""\\ud800"":1}]",'),
        ("certifications", 'D,Half,kg,1,1,,"[{""\\ud800"":1}]"'), ("variants", 'E,Twice,kg,1,1,"[{""title"":""a"",""title"":""b""}]",'),
    ]  # fmt: skip
    lines = "".join(f"{line}\n" for _, line in wrong)
    failed = await done(market, farmer, f"{HEADER},variants,certifications,description\n{filler}{lines}")
    assert failed["status"] == "failed"
    assert [field for field, _ in fields(failed)] == [
        f"rows[{150 + n}].{column}" for n, (column, _) in enumerate(wrong)
    ]


async def test_rows_of_many_packs_are_looked_at_in_smaller_steps(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    farmer, sizes = await market.farmer(), list[int]()
    write = importing.many_actions.write

    async def counted(unit: Any, how: Any, rows: Any) -> Any:
        sizes.append(len(rows))
        return await write(unit, how, rows)

    monkeypatch.setattr(importing.many_actions, "write", counted)
    packs = [{"title": f"Pack {n} of the many that there are", "price": 100 + n, "takes": "1"} for n in range(50)]
    rows = [
        {"external_id": f"P-{n}", "title": f"Peas {n}", "unit": "kg", "price": 100, "stock": "1", "variants": packs}
        for n in range(60)
    ]
    made = await done(market, farmer, "\n".join(map(json.dumps, rows)), "?dry_run=true")
    assert (made["status"], sum(sizes)) == ("succeeded", 60)
    assert 1 < max(sizes) < 20

"""The directory in its present forms: listings of the Local Food Portal as CSV and as JSON, and answers of its API."""

from __future__ import annotations

import csv
import json
import zipfile
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import attrs
import psycopg2
import pytest
from openpyxl import Workbook

from harvestd.loading.usda.goods import GOODS
from harvestd.loading.usda.portal import SOLD
from harvestd.loading.usda.reading import BadRow, Market, NotTheDirectory, read
from harvestd.market.farms.benefit_rules import BENEFITS
from tests.daemons import ctl

#: As the API answers, but for its people.
ANSWERED = {
    "directory_type": "farmersmarket", "directory_name": "farmers market", "updatetime": "Feb 1st, 2021",
    "listing_image": "default-farmersmarket-4-3.jpg", "listing_id": "300444", "listing_name": "Muldoon Farmers Market", "listing_desc": None,
    "brief_desc": "Open: June to September; <br>Available Products: Fresh fruits;Fresh vegetables;Dairy products.;Wine, spirits, beer, hard cider;",
    "mydesc": "", "contact_name": None, "media_website": "null", "location_address": "1301 Muldoon Rd, Anchorage, Alaska 99504",
    "location_state": "Alaska", "location_city": "Anchorage", "location_street": "1301 Muldoon Rd", "location_zipcode": "99504",
    "location_x": "-149.74", "location_y": "61.21", "distance": "0.24", "term": "",
}  # fmt: skip
#: As the file has it.
LISTED = {
    "update_time": "2023-04-01 09:15:00", "listing_id": "301697", "listing_name": "Columbia Heights", "location_address": "Park Rd & 14th St, Washington, DC 20010",
    "orgnization": "", "listing_desc": "Producers alone.\r\nFor 25 years.", "location_x": "-77.0327", "location_y": "38.9302", "location_desc": "",
    "location_site": "Closed-off public street;", "specialproductionmethods": "Organic (USDA Certified);", "specialproductionmethods_1": "1",
    "specialproductionmethods_2": "0", "FNAP": "", "FNAP_1": "0", "FNAP_2": "1", "FNAP_3": "0", "FNAP_4": "1", "FNAP_5": "0", "SNAP_option": "",
    "SNAP_option_1": "0",
}  # fmt: skip


def as_csv(*listings: dict[str, Any]) -> bytes:
    out = StringIO()
    writer = csv.DictWriter(out, [*listings[0]])
    writer.writeheader()
    writer.writerows(listings)
    return out.getvalue().encode()


def packed(files: dict[str, str]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in files.items():
            book.writestr(name, text)
    return out.getvalue()


def as_workbook(*listings: dict[str, Any]) -> bytes:
    """Texts, numbers, and no cell for nothing."""
    book, out = Workbook(), BytesIO()
    for row in ([*listings[0]], *([*listing.values()] for listing in listings)) if listings else ():
        book.active.append([None if value == "" else value for value in row])
    book.save(out)
    return out.getvalue()


def one(content: bytes) -> Market:
    (found,) = read(content)
    assert isinstance(found, Market), found
    return found


def bad(content: bytes) -> BadRow:
    *_, found = read(content)
    assert isinstance(found, BadRow)
    return found


@pytest.mark.parametrize("wrapped", [lambda one: {"data": [one]}, lambda one: [one]])
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b"\n "])
def test_an_answer_of_the_api_is_read(wrapped: Any, before: bytes) -> None:
    market = one(before + json.dumps(wrapped(ANSWERED)).encode())
    assert (market.source, market.name) == ("usda-listing:300444", "Muldoon Farmers Market")
    assert (market.latitude, market.longitude) == (61.21, -149.74)
    assert market.address == "1301 Muldoon Rd, Anchorage, Alaska 99504"
    assert market.description == "Farmers market in Anchorage, Alaska."
    assert market.season == ("06-01", "09-30") and not market.unread
    assert {good.column for good in market.goods} == {"Fruits", "Vegetables", "Cheese", "Wine"}
    assert market.benefits == ()


def test_the_file_is_read_as_csv_and_as_json_alike() -> None:
    market = one(as_csv(LISTED))
    assert market == attrs.evolve(one(json.dumps([LISTED]).encode()), line=market.line)
    assert (market.name, market.organic, market.benefits) == ("Columbia Heights", True, ("snap", "wic_fmnp"))
    assert market.description == "Farmers market. Producers alone. For 25 years."
    assert market.address == "Park Rd & 14th St, Washington, DC 20010"
    assert market.season is None and market.goods == () and not market.unread


def test_a_workbook_is_read_as_the_rest() -> None:
    whole = LISTED | {
        "listing_id": 301697,
        "location_x": -77.0327,
        "FNAP_2": 1,
        "more": "x",
        **{f"c{n}": None for n in range(30)},
        "end": "z",
    }
    market = one(as_workbook(whole))
    assert market == attrs.evolve(one(as_csv(whole)), line=2)
    wrong = bad(as_workbook(whole, whole))
    assert (wrong.line, wrong.why) == (3, "listing_id 301697 stands in line 2 already")


@pytest.mark.parametrize(
    ("columns", "benefits"),
    [({"FNAP_1": 1}, ["wic"]), ({"FNAP_2": True}, ["snap"]), ({"FNAP_3": "1"}, ["incentives"]), ({"FNAP_4": "Y"}, ["wic_fmnp"]), ({"FNAP_5": "1"}, ["senior_fmnp"]),
     ({"FNAP_2": "0"}, []), ({"FNAP_2": None}, []), ({"FNAP_2": False}, []), ({"SNAP_option_2": "1"}, ["snap"]),
     ({"FNAP": "SNAP;WIC;"}, ["snap", "wic"]), ({"FNAP": "WIC Farmers Market Nutrition Program;"}, ["wic_fmnp"]),
     ({"FNAP": "Senior Farmers Market Nutrition Program; Market Bucks"}, ["senior_fmnp", "incentives"]), ({"FNAP": "null"}, []), ({"FNAP": "Other;"}, [])],
)  # fmt: skip
def test_benefit_programmes_are_read(columns: dict[str, Any], benefits: list[str]) -> None:
    listing = {name: value for name, value in LISTED.items() if "NAP" not in name}
    assert one(json.dumps([listing | columns]).encode()).benefits == tuple(benefits)


@pytest.mark.parametrize(
    ("columns", "benefits"),
    [({"WIC": "Y"}, ["wic_fmnp"]), ({"WICcash": "Y"}, ["wic"]), ({"SFMNP": "Y"}, ["senior_fmnp"]), ({"SNAP": "Y"}, ["snap"]), ({}, []), ({"Credit": "Y"}, [])],
)  # fmt: skip
def test_benefit_programmes_of_the_former_file_are_read(columns: dict[str, str], benefits: list[str]) -> None:
    row = {
        "FMID": "1",
        "MarketName": "M",
        "city": "",
        "State": "",
        "x": "",
        "y": "",
        **{good.column: "N" for good in GOODS},
    }
    assert one(
        as_csv({**row, **dict.fromkeys(("WIC", "WICcash", "SFMNP", "SNAP", "Credit"), "N"), **columns})
    ).benefits == tuple(benefits)


def test_every_kind_of_goods_of_the_portal_is_one_of_ours() -> None:
    assert set(SOLD.values()) <= {good.column for good in GOODS}
    text = "Open: Year-round<br>Available Products: " + "".join(f"{name};" for name in SOLD) + "Something new;"
    market = one(json.dumps([ANSWERED | {"brief_desc": text}]).encode())
    assert {good.column for good in market.goods} == set(SOLD.values()) and market.season is None and not market.unread


@pytest.mark.parametrize(
    ("text", "season", "unread"),
    [("Open: 04/02/2022 to 12/24/2022; <br>Available Products: Eggs;", ("04-02", "12-24"), ""), ("Open: May to June; September to October; ", ("05-01", "10-31"), ""),
     ("Open: Year-round<br>", None, ""), ("", None, ""), ("Open: whenever; <br>", None, "whenever")],
)  # fmt: skip
def test_seasons_are_read(text: str, season: tuple[str, str] | None, unread: str) -> None:
    market = one(json.dumps([ANSWERED | {"brief_desc": text}]).encode())
    assert (market.season, market.unread) == (season, unread)


@pytest.mark.parametrize(
    ("changed", "why"),
    [({"listing_id": "x"}, "listing_id is 'x', not a number"), ({"listing_id": None}, "listing_id is '', not a number"), ({"listing_name": ""}, "listing_name is missing"),
     ({"location_x": ""}, "location_x (longitude) or location_y (latitude) is missing"), ({"location_y": "91"}, "location_y is '91', not a latitude")],
)  # fmt: skip
def test_what_is_wrong_is_told_by_the_names_of_the_portal(changed: dict[str, Any], why: str) -> None:
    found = bad(json.dumps([ANSWERED, ANSWERED | {"listing_id": "2"} | changed]).encode())
    assert (found.at, found.line) == ("listing", 2) and why in found.why
    of_table = bad(as_csv(LISTED, LISTED | {"listing_id": "2"} | {n: v or "" for n, v in changed.items()}))
    assert (of_table.at, of_table.line) == ("line", 4) and why in of_table.why, "a listing's text may have lines"


def test_a_listing_that_is_there_twice_is_told() -> None:
    assert bad(json.dumps([ANSWERED, ANSWERED]).encode()).why == "listing_id 300444 stands in listing 1 already"


def test_an_odd_comma_after_degrees_is_left_out_and_no_position_is_none() -> None:
    assert one(json.dumps([ANSWERED | {"location_y": "61.21,"}]).encode()).latitude == 61.21
    market = one(json.dumps([ANSWERED | {"location_x": None, "location_y": "null"}]).encode())
    assert (market.latitude, market.longitude) == (None, None)


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"PK\x03\x04", "no workbook"), (packed({}), "no workbook"), (packed({"xl/worksheets/sheet1.xml": "<x"}), "no workbook"),
     (as_workbook(), "no column FMID"), (b"[", "not JSON"), (b"{}", "no list of listings"), (b'{"data": 1}', "no list of listings"), (b"[1]", "no list of listings"),
     (b'[{"FMID": 1}]', "no listing_id"), (b"[\xff]", "not JSON"), (b"listing_id,listing_name\n", "no column location_x, location_y"),
     (b'"apikey error"', "no column FMID")],
)  # fmt: skip
def test_what_is_not_the_directory_is_told_by_what_it_is(content: bytes, why: str) -> None:
    with pytest.raises(NotTheDirectory, match=why):
        list(read(content))


def test_an_empty_answer_is_no_market() -> None:
    assert list(read(b'{"data": []}')) == list(read(b"[]")) == []


def test_it_is_imported_and_again_and_follows_what_changes(tmp_path: Path, database_url: str) -> None:
    file = tmp_path / "listings.json"

    def stored(*listings: dict[str, Any]) -> str:
        file.write_text(json.dumps({"data": listings}))
        done = ctl(tmp_path, "import-directory", str(file), database_url=database_url)
        assert done.returncode == 0, done.stdout
        return done.stdout

    assert "2 farms new, 0 changed; 4 products new" in stored(ANSWERED, LISTED)
    assert "0 farms new, 0 changed; 0 products new" in stored(ANSWERED, LISTED)
    assert "0 farms new, 1 changed" in stored(ANSWERED, LISTED | {"FNAP_5": "1"})
    with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
        cursor.execute("select source, benefits from farms order by source")
        assert cursor.fetchall() == [
            ("usda-listing:300444", []), ("usda-listing:301697", ["snap", "wic_fmnp", "senior_fmnp"]),
        ]  # fmt: skip


def test_programmes_are_those_that_a_farm_may_say(database_url: str) -> None:
    with psycopg2.connect(database_url) as connection, connection.cursor() as cursor:
        cursor.execute("select pg_get_constraintdef(oid) from pg_constraint where conname = 'farms_benefits_check'")
        ((text,),) = cursor.fetchall()
    assert all(one in text for one in BENEFITS)

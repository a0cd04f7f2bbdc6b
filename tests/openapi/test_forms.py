"""The forms of the reference, as a page has them before a script runs."""

from __future__ import annotations

import re
from typing import Any

import pytest

from harvestd import tables as table
from harvestd.web.pages import openapi, reference
from tests.openapi.steps import TOMATOES
from tests.openapi.walk import own_parameters

DOCUMENT = openapi.document(table.ROUTES, "A market")
OPERATIONS = {o["operationId"]: (m, o) for methods in DOCUMENT["paths"].values() for m, o in methods.items()}
PAGES = {tag: reference.section(DOCUMENT, tag).decode() for tag in dict.fromkeys(route.tag for route in table.ROUTES)}


def fields(name: str) -> dict[str, str]:
    """The ``<input>`` of each parameter of an operation."""
    section = PAGES[OPERATIONS[name][1]["tags"][0]].partition(f'<section aria-labelledby="{name}">')[2]
    inputs = re.findall(r"<(?:input|textarea) [^>]* data-in=[^>]*>", section.partition("</section>")[0])
    return {re.findall(' name="([^"]*)"', one)[0]: one for one in inputs}


def parameters(name: str, *places: str) -> list[dict[str, Any]]:
    return [p for p in own_parameters(OPERATIONS[name][1]) if p["in"] in places]


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_has_to_be_given_is_required_of_its_field(name: str) -> None:
    """Of the path and the query; the headers that are needed are filled in when the form is sent."""
    found = fields(name)
    required = {p["name"] for p in parameters(name, "path", "query") if p["required"]}
    assert {one for one, field in found.items() if " required " in field} == required


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_takes_several_values_has_a_line_for_each(name: str) -> None:
    several = {p["name"] for p in parameters(name, "path", "query") if p["schema"].get("type") == "array"}
    assert {one for one, field in fields(name).items() if field.startswith("<textarea ")} == several


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_list_that_needs_a_sign_in_is_marked(name: str) -> None:
    for field in fields(name).values():
        for path in re.findall(' data-list="([^"]*)', field):
            security = DOCUMENT["paths"][path.partition("?")[0]]["get"]["security"]
            assert (" data-signed-in" in field) == ("mine=true" in path or bool(security and {} not in security))


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_a_path_names_is_an_example_or_offered_from_a_list(name: str) -> None:
    for parameter in parameters(name, "path"):
        field = fields(name)[parameter["name"]]
        listed = re.findall(' data-list="([^"?]*)', field)
        elsewhere = parameter["name"] == "token" or name in (
            "getBlob",
            "getMedia",
        )  # in a mail; in the address of a picture
        assert elsewhere or ' value=""' not in field or listed, field
        for path in listed:
            schema = DOCUMENT["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
            assert "items" in DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]["properties"]


@pytest.mark.parametrize("name", ["answerOrderLine", "shortOrderLine", "weighOrderLine"])
def test_lines_are_offered_from_the_orders_that_have_them(name: str) -> None:
    assert ' data-list="/api/orders" data-signed-in ' in fields(name)["line_id"]
    assert ' data-within="lines"' in fields(name)["line_id"]
    order = DOCUMENT["components"]["schemas"]["Order"]["properties"]
    assert order["lines"]["items"]["$ref"].endswith("/OrderLine")


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_path_takes_what_can_be_a_name_and_nothing_that_a_browser_would_make_another_address_of(name: str) -> None:
    """``.`` and ``..`` are steps of a path even in percent-encoding (WHATWG URL), and no name has a slash."""
    for parameter in parameters(name, "path"):
        pattern = re.compile(re.findall(' pattern="([^"]*)"', fields(name)[parameter["name"]])[0])
        for typed in ("", " ", "\t\u00a0", ".", "..", " . ", " .. ", "...", "/", "a/b", "../orders", "a/..", "\u3000."):
            assert not pattern.fullmatch(typed), typed
        for typed in (TOMATOES, "green-acres", "a.b", ".a", "a.", "a b", "\\", "%2e", "%2F", "?", "#", "$&", "青菜"):
            assert pattern.fullmatch(typed), typed  # the script encodes it as a whole

"""The document is as rich as the server: a stranger's generator has all that it needs for a good client."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from harvestd import tables as table
from harvestd.web.pages import glossary, openapi
from harvestd.web.pages.prose import tidied
from tests.openapi.walk import own_parameters

DOCUMENT = openapi.document(table.ROUTES, "A market")
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
OPERATIONS = {o["operationId"]: o for methods in DOCUMENT["paths"].values() for o in methods.values()}
#: What has no example: it answers nothing, or a text or document that is an example of itself.
WITHOUT_EXAMPLE = {
    "getContract",
    "getMetrics",
    "listProblems",
    "getBlob",
    "getDocument",
    "getMedia",
    "exportProducts",
    "exportProductLines",
    "getFeed",
    "getSitemap",
}


def properties() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name, schema in SCHEMAS.items():
        for property, kind in schema.get("properties", {}).items():
            yield name, property, kind


def leaves(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    for one in [*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else [])]:
        yield from leaves(one)


def test_a_form_has_its_fields_as_json_has_them() -> None:
    """A generated client offers the kinds of a document, however it is sent."""
    content = OPERATIONS["addDocument"]["requestBody"]["content"]
    form = content["multipart/form-data"]["schema"]
    assert form["properties"]["kind"]["$ref"] == "#/components/schemas/DocumentKind"
    assert (form["properties"]["title"]["maxLength"], form["required"]) == (120, ["file", "kind", "title"])


def test_every_property_is_described() -> None:
    assert [f"{schema}.{name}" for schema, name, kind in properties() if not kind.get("description")] == []


def prose(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every description and summary, with its place."""
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from prose(one, f"{path}[{index}]")
    elif isinstance(value, dict):
        for name, one in value.items():
            if name in ("description", "summary") and isinstance(one, str):
                yield f"{path}.{name}", one
            elif name not in ("example", "examples"):
                yield from prose(one, f"{path}.{name}")


#: Markup of docstrings, words of Python, names of our modules, lines that are broken for an editor.
NO_PROSE = re.compile(r":[a-z]+:`|``|(?<!-)\bNone\b|harvestd\.|\bThe same,|(?<!\n)\n(?!\n)|\n\s*[ \t]|  ")


def test_what_is_said_of_anything_is_said_to_whoever_reads_the_contract() -> None:
    found = list(prose(DOCUMENT))
    assert len(found) > 500
    assert [(path, text) for path, text in found if NO_PROSE.search(text)] == []


def test_prose_has_one_form_and_what_is_data_stays() -> None:
    said = {"description": "One ``name``,\n    and more.\n\n\n  Two.", "example": {"description": "a  ``b``"}}
    said = {**said, "properties": {"description": {"description": "a\nb"}, "example": {"description": "c\nd"}}}
    assert tidied(said) == {
        "description": "One `name`, and more.\n\nTwo.",
        "example": {"description": "a  ``b``"},
        "properties": {"description": {"description": "a b"}, "example": {"description": "c d"}},
    }


@pytest.mark.parametrize(
    ("schema", "name", "words"),
    [
        ("PutItems", "items", "quantities"), ("NotificationData", "farm_id", "part of the order"), ("ReadNotifications", "ids", "null or omitted"),
        ("NewProduct", "farm_id", "more than one"), ("OrderStep", "farm_id", "step"),
    ],
)  # fmt: skip
def test_a_name_that_means_something_else_is_described_as_that(schema: str, name: str, words: str) -> None:
    assert words in SCHEMAS[schema]["properties"][name]["description"]


#: Names that mean one thing in one shape and another in the next: never described in general.
AMBIGUOUS = {"code", "count", "kind", "total", "state", "alg", "at"}


def test_a_name_has_one_meaning_or_is_described_with_its_shape() -> None:
    """Two general descriptions of one name would leave it to the order of the sections which of them a shape shows."""
    said: dict[str, set[str]] = defaultdict(set)
    for words in (glossary.GLOSSARY, *_words_of_modules()):
        for name, text in words.items():
            said[name].add(text)
    assert {name: texts for name, texts in said.items() if len(texts) > 1} == {}
    assert AMBIGUOUS & said.keys() == set()


def _words_of_modules() -> Iterator[dict[str, str]]:
    for route in table.ROUTES:
        yield dict(route.section.words)
    for name, module in list(sys.modules.items()):
        if name.startswith("harvestd.") and name.endswith(("shapes", "uploads")):
            yield getattr(module, "WORDS", {})


@pytest.mark.parametrize(
    ("schema", "name", "words"),
    [
        ("AddressPage", "total", "on all pages"), ("OperationPage", "total", "on all pages"), ("CartLine", "total", "rounded half up"),
        ("Login", "code", "six digits"), ("LinkToken", "code", "six digits"), ("SecondStep", "code", "six digits"),
        ("Confirm", "code", "six digits"), ("ConfirmFactor", "code", "six digits"), ("CartWarning", "code", "machine-readable"),
        ("ReadyPart", "state", "dependency"), ("PublicKey", "alg", "EdDSA"), ("AuditEntry", "request_id", "that did it"),
        ("Impersonate", "reason", "audit log"), ("MarketUnit", "kind", "measures"),
    ],
)  # fmt: skip
def test_a_name_of_several_shapes_says_what_it_is_in_each(schema: str, name: str, words: str) -> None:
    assert words in SCHEMAS[schema]["properties"][name]["description"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_parameter_says_what_it_is_there(name: str) -> None:
    """``count`` is a switch; the code of a callback is the issuer's; a slug works where it does."""
    for one in own_parameters(OPERATIONS[name]):
        if (one["name"], one["in"]) == ("count", "query"):
            assert one["description"].startswith("Whether to count"), one
        if name == "endSignInElsewhere" and one["name"] == "code":
            assert "issuer" in one["description"]
    for path, methods in DOCUMENT["paths"].items():
        for operation in methods.values():
            told = [
                one["description"] for one in own_parameters(operation) if (one["name"], one["in"]) == ("id", "path")
            ]
            assert [("slug" in text) for text in told] == [
                path.startswith(("/api/farms/{id}", "/api/products/{id}"))
            ] * len(told)


def test_a_file_has_the_media_types_that_it_may_be_and_its_headers() -> None:
    document, picture = (OPERATIONS[name]["responses"]["200"] for name in ("getDocument", "getBlob"))
    assert (list(document["content"]), list(picture["content"])) == (
        ["application/pdf", "image/jpeg"],
        ["image/webp", "image/jpeg"],
    )
    assert {"Content-Disposition", "Cache-Control"} <= set(document["headers"])
    assert "Content-Disposition" in OPERATIONS["getOperationFile"]["responses"]["200"]["headers"]
    assert {"ETag", "Cache-Control"} <= set(picture["headers"])


def test_every_parameter_is_described() -> None:
    wanting = [
        f"{name}: {parameter['name']}"
        for name, operation in OPERATIONS.items()
        for parameter in own_parameters(operation)
        if not parameter["description"]
    ]
    assert wanting == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_order_of_a_list_is_described_by_each_of_its_values(name: str) -> None:
    for parameter in own_parameters(OPERATIONS[name]):
        if parameter["name"] == "sort":
            words = SCHEMAS[parameter["schema"]["$ref"].rpartition("/")[2]]["enum"]
            assert re.findall("`([^`]+)` ", parameter["description"]) == [*words]


def test_the_glossary_has_no_word_that_nothing_uses() -> None:
    known = {property for _, property, _ in properties()}
    known |= {p["name"] for o in OPERATIONS.values() for p in own_parameters(o)}
    assert sorted(word for word in glossary.of(table.ROUTES) if word.rpartition(".")[2] not in known) == []


#: Ids that are another standard's (Web Authentication), by their schema, with their formats.
FOREIGN_IDS = {"PasskeyName": "base64url", "PasskeyUser": "base64url", "PasskeyParty": "hostname"}


def test_ids_are_uuids_and_times_are_date_times() -> None:
    for schema, name, kind in properties():
        formats = {leaf.get("format") for leaf in leaves(kind) if leaf.get("type") == "string"}
        if name == "id" or (name.endswith("_id") and name not in ("request_id", "external_id")):
            assert formats == {FOREIGN_IDS.get(schema, "uuid")}, f"{schema}.{name}"
        if name.endswith("_at"):
            assert formats == {"date-time"}, f"{schema}.{name}"


def test_every_enum_is_a_schema_with_a_name_and_a_type() -> None:
    """A generated client then has ``OrderStatus`` and not ``Status1``. One word alone is a constant, and stays where it is."""
    for name, schema in SCHEMAS.items():
        assert "enum" not in schema or (schema["type"] == "string" and schema["description"]), name
    nameless = [f"{s}.{p}" for s, p, kind in properties() for leaf in leaves(kind) if len(leaf.get("enum", ())) > 1]
    assert nameless == []
    assert {"OrderStatus", "Unit", "WarningCode", "ProductSort", "NewRole"} <= set(SCHEMAS)
    assert "x-closed" not in str(DOCUMENT)


def test_schemas_have_names_that_a_client_can_bear() -> None:
    assert [name for name in SCHEMAS if not re.fullmatch("[A-Z][A-Za-z]+", name)] == []


def test_no_object_is_empty() -> None:
    """``{"type": "object"}`` without a word of what is in it tells a client nothing."""
    empty = [
        f"{schema}.{name}"
        for schema, name, kind in properties()
        for leaf in leaves(kind)
        if leaf.get("type") == "object" and not leaf.get("properties") and not leaf.get("additionalProperties")
    ]
    assert empty == []


def test_every_component_is_used() -> None:
    text = json.dumps(DOCUMENT)
    for section in ("schemas", "responses", "headers", "parameters"):
        for name in DOCUMENT["components"][section]:
            assert f'"#/components/{section}/{name}"' in text, name


@pytest.mark.parametrize("route", [route for route in table.ROUTES if not route.page], ids=lambda route: route.name)
def test_every_operation_has_a_name_of_its_own(route: table.Route) -> None:
    assert re.fullmatch("[a-z][A-Za-z]+", route.operation), "an operation wants a name, such as placeOrder"


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_body_and_answer_has_an_example(name: str) -> None:
    operation = OPERATIONS[name]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    assert body is None or "example" in body, "record it: python -m tests.openapi.record"
    answer = next(iter(operation["responses"].values())).get("content", {}).values()
    assert name in WITHOUT_EXAMPLE or not answer or "example" in next(iter(answer))


@pytest.mark.parametrize("name", OPERATIONS)
def test_who_reads_of_an_operation_learns_of_languages(name: str) -> None:
    """Problems are told in the language that is asked for, whatever was asked."""
    assert {"$ref": "#/components/parameters/Accept-Language"} in OPERATIONS[name]["parameters"]
    for response in OPERATIONS[name]["responses"].values():
        if "$ref" in response:
            shared = DOCUMENT["components"]["responses"][response["$ref"].rpartition("/")[2]]
            assert {"Content-Language", "Vary"} <= set(shared["headers"])


def test_every_tag_is_described() -> None:
    assert all(tag["description"] for tag in DOCUMENT["tags"])
    assert {tag["name"] for tag in DOCUMENT["tags"]} == {route.tag for route in table.ROUTES if not route.page}


def test_pages_for_people_are_no_part_of_the_contract() -> None:
    assert {"/", "/docs", "/docs/{name}"} & set(DOCUMENT["paths"]) == set()


def test_what_may_be_refused_is_said() -> None:
    assert {"401", "403"} <= set(OPERATIONS["getMetrics"]["responses"])
    assert "503" in OPERATIONS["getReadiness"]["responses"]
    assert set(SCHEMAS["FieldError"]["required"]) == {"field", "code", "message", "params"}


@pytest.mark.parametrize("route", [one for one in table.ROUTES if not one.page], ids=lambda route: route.name)
def test_who_lacks_a_second_factor_is_told_where_one_is_needed(route: table.Route) -> None:
    """By the rule of the gate: on all that needs a sign-in but what one comes to have one by."""
    found = OPERATIONS[route.operation_id]["responses"].get("403", {"$ref": ""})
    told = DOCUMENT["components"]["responses"].get(found["$ref"].rpartition("/")[2], {"description": ""})["description"]
    asks = route.permission is not None and not route.without_factor
    assert ("/problems/second-factor-required" in told) == asks


@pytest.mark.parametrize("name, words", {
    "getMe": "For anyone who is signed in.",
    "listAccounts": "For the market's admins.",
    "judgeFarm": "For the market's managers and admins.",
    "updateFarm": "For the owners and managers of the farm, and the market's managers and admins.",
    "changeStock": "For the owners, managers and packers of the farm, and the market's managers and admins.",
    "inviteMember": "For the owners of the farm, and the market's managers and admins.",
    "cancelOrder": "For the buyer, the owners and managers of the farm, and the market's managers and admins.",
}.items())  # fmt: skip
def test_for_whom_an_operation_is_is_said_in_plain_words(name: str, words: str) -> None:
    assert OPERATIONS[name]["description"].startswith(words)


def test_each_way_to_sign_in_says_more_than_for_whom_it_is() -> None:
    auth = {
        path: ways["post"]
        for path, ways in DOCUMENT["paths"].items()
        if path.startswith("/api/auth/") and "post" in ways
    }
    auth = {path: one for path, one in auth.items() if one["description"].startswith("For anyone.")}
    assert len(auth) > 12
    assert [path for path, operation in auth.items() if len(operation["description"]) < 80] == []
    for path, words in (
        ("refresh", "ten seconds"), ("password/forgot", "useless"), ("link/use", "the password of before"), ("register", "RateLimit"),
        ("login", "429"), ("link/session", "the password of before"),
    ):  # fmt: skip
        assert words in auth[f"/api/auth/{path}"]["description"]


def test_a_guests_cart_can_be_found_out_from_the_contract() -> None:
    schemes = DOCUMENT["components"]["securitySchemes"]
    assert (schemes["cartToken"]["in"], schemes["cartToken"]["name"]) == ("header", "X-Cart-Token")
    assert schemes["cart"]["in"] == "cookie"
    put = OPERATIONS["putCartItem"]
    assert {"cart": []} in put["security"] and {"cartToken": []} in put["security"]
    assert "X-Cart-Token" in next(iter(put["responses"].values()))["headers"]


@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_every_process_has_the_same_document(seed: str) -> None:
    """Byte for byte: a reader who revalidates meets another process each time."""
    program = (
        "import hashlib, msgspec; from harvestd import tables; from harvestd.web.pages import openapi; "
        "print(hashlib.sha256(msgspec.json.encode(openapi.document(tables.ROUTES, 'A market'))).hexdigest())"
    )
    environment = os.environ | {"PYTHONHASHSEED": seed}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == hashlib.sha256(msgspec.json.encode(DOCUMENT)).hexdigest()


def test_every_operation_says_what_the_connection_may_refuse() -> None:
    """Too long a head or one that never ends, of any request."""
    assert [name for name, one in OPERATIONS.items() if not {"400", "408", "431"} <= one["responses"].keys()] == []

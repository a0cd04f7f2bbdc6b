"""ETag, If-None-Match, If-Match, Cache-Control: who may keep what, and who may change it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from harvestd.kernel.errors import Stale
from harvestd.web.conditional import behind, etag, unchanged, version_named
from harvestd.web.problems import Refusal
from tests.web.client import Client
from tests.web.conftest import token_for
from tests.web.dummies import seen


@pytest.fixture(autouse=True)
def first_version() -> Iterator[None]:
    seen.version, seen.loads = 1, 0
    yield


async def test_a_cached_answer_is_public_and_has_a_strong_etag(client: Client) -> None:
    response = await client.get("/api/cached")
    assert response.headers["cache-control"] == "public, max-age=5, must-revalidate"
    assert response.headers["vary"] == "Authorization, Accept-Encoding"
    assert response.headers["etag"].startswith('"')


async def test_if_none_match_gives_304_without_a_body(client: Client) -> None:
    first = await client.get("/api/cached")
    tag = first.headers["etag"]
    for value in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await client.get("/api/cached", headers={"If-None-Match": value})
        assert (again.status, again.body) == (304, b""), value
        assert again.headers["etag"] == tag
        assert again.headers["cache-control"] == first.headers["cache-control"]
        assert "content-length" not in again.headers
    changed = await client.get("/api/cached", headers={"If-None-Match": '"other"'})
    assert changed.status == 200


@pytest.mark.parametrize("path", ["/api/cached", "/api/things/1"])
@pytest.mark.parametrize("order", [1, -1])
async def test_the_lines_of_if_none_match_are_one_list(client: Client, path: str, order: int) -> None:
    tag = (await client.get(path)).headers["etag"]
    tags = (tag, '"another"')[::order]
    wire = client.connect()
    lines = "".join(f"If-None-Match: {one}\r\n" for one in tags)
    wire.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n".encode())
    assert (await wire.receive()).status == 304


async def test_the_same_question_in_another_order_is_loaded_once(client: Client) -> None:
    for query in ("limit=5&after=x", "after=x&limit=5", "after=x&limit=5&in_stock=false", "after=%78&limit=05"):
        await client.get(f"/api/cached?{query}")
    assert seen.loads == 1
    await client.get("/api/cached?limit=6&after=x")
    assert seen.loads == 2


async def test_a_signed_in_caller_shares_the_entry_and_keeps_it_private(client: Client) -> None:
    """The handler of a cached route never sees who asks, so nothing private can be in a shared entry."""
    response = await client.signed_in(token_for("u")).get("/api/cached")
    assert response.headers["cache-control"] == "private, no-store"
    assert (seen.calls[-1].caller, seen.calls[-1].address, dict(seen.calls[-1].headers)) == (None, "", {})
    await client.get("/api/cached")
    assert seen.loads == 1


async def test_a_route_that_shows_some_more_passes_the_cache_by_for_them(client: Client) -> None:
    await client.get("/api/drafts")
    await client.get("/api/drafts")
    assert (seen.loads, seen.calls[-1].caller) == (1, None)
    response = await client.signed_in(token_for("u")).get("/api/drafts")
    assert (seen.loads, seen.calls[-1].user.user_id) == (2, "u")
    assert response.headers["cache-control"] == "private, no-store"


async def test_what_is_not_declared_cached_is_not_kept(client: Client) -> None:
    assert (await client.get("/api/list")).headers["cache-control"] == "no-store"
    assert (await client.get("/api/nothing-left")).headers["cache-control"] == "no-store"
    assert (await client.post("/api/echo", {"name": "a"})).headers["cache-control"] == "no-store"


async def test_head_is_get_without_the_body(client: Client) -> None:
    get, head = await client.get("/api/cached"), await client.request("HEAD", "/api/cached")
    assert (head.status, head.body) == (200, b"")
    for name in ("content-length", "etag", "cache-control", "content-type"):
        assert head.headers[name] == get.headers[name]


# --- If-Match ---


@pytest.fixture
def anna(client: Client) -> Client:
    return client.signed_in(token_for("anna"))


async def patch(client: Client, if_match: str | None) -> tuple[int, str]:
    headers = {} if if_match is None else {"If-Match": if_match}
    response = await client.request("PATCH", "/api/things/1", json={"name": "a"}, headers=headers)
    return response.status, response.json().get("type", response.headers.get("etag"))


async def test_a_change_from_the_present_version_goes_through(anna: Client) -> None:
    read = await anna.get("/api/things/1")
    status, tag = await patch(anna, read.headers["etag"])
    assert status == 200
    assert tag.startswith('"v2-')


async def test_a_change_without_if_match_is_428(anna: Client) -> None:
    assert await patch(anna, None) == (428, "/problems/if-match")


async def test_whoever_names_no_version_is_told_the_form_of_one(anna: Client) -> None:
    """A thing that is read in its list alone has a ``version`` and no ETag of its own."""
    for headers in ({}, {"If-Match": '"abc"'}, {"If-Match": '"v7"'}):
        refused = await anna.request("PATCH", "/api/things/1", json={"name": "a"}, headers=headers)
        assert refused.status in (412, 428) and re.search('"v(<version>|[0-9]+)"', refused.json()["detail"])


async def test_a_change_from_an_older_version_is_412(anna: Client) -> None:
    read = await anna.get("/api/things/1")
    await patch(anna, read.headers["etag"])
    assert await patch(anna, read.headers["etag"]) == (412, "/problems/stale")
    assert seen.version == 2


@pytest.mark.parametrize(
    "value, status",
    [
        ('"v1"', 200),
        ("*", 200),
        ('"v2"', 412),
        ('W/"v1"', 412),
        ('"abc"', 412),
        ('"1"', 412),
        ("v1", 400),
        ("", 428),
        ('"v1", "v2"', 400),
        ('"', 400),
        ('"v99999999999999999999"', 412),
    ],
)
async def test_forms_of_if_match(anna: Client, value: str, status: int) -> None:
    assert (await patch(anna, value))[0] == status


def test_the_tag_of_a_version_changes_with_any_byte() -> None:
    """Strong: what the version does not count, such as views, changes the tag too."""
    assert etag(b"a", 7) != etag(b"b", 7)
    assert version_named(etag(b"a", 7)) == version_named(etag(b"b", 7)) == 7
    assert unchanged(etag(b"a"), etag(b"a")) == etag(b"a")
    assert unchanged(etag(b"a"), etag(b"b")) is None


@pytest.mark.parametrize(
    ("if_none_match", "known"),
    [
        ('"v8-aa"', '"v8-aa"'),
        ('"v7-bb", W/"v9-aa"', '"v9-aa"'),
        ('"aa"', '"aa"'),
        ("*", '"v7-aa"'),
        ('"v7-bb"', None),
        ('"v7-"', None),
        ('"v7"', None),
        ("", None),
    ],
)
def test_the_same_answer_is_known_by_its_digest_and_repeated_by_the_tag_that_its_reader_has(
    if_none_match: str, known: str | None
) -> None:
    assert unchanged(if_none_match, '"v7-aa"') == known


def test_if_match_is_compared_strongly() -> None:
    with pytest.raises(Stale):
        version_named('W/"v7"')
    with pytest.raises(Refusal):
        version_named("v7")
    assert version_named("*") is None


@pytest.mark.parametrize(
    ("ours", "theirs", "known"),
    [
        ('"v7-aa"', '"v8-bb"', True),
        ('"v7-aa"', 'W/"v8-bb"', True),
        ('"v7-aa"', '"v6-cc", "v10-bb"', True),
        ('"v7-aa"', '"v7-aa"', False),
        ('"v7-aa"', '"v7-bb"', False),
        ('"v7-aa"', '"v6-bb"', False),
        ('"v7-aa"', "", False),
        ('"v7-aa"', "*", False),
        ('"aa"', '"v8-bb"', False),
        ('"v7-aa"', '"bb"', False),
        ('"v7-aa"', '"v8-aa"', False),
        ('"v7-aa"', '"v9-bb", "v8-aa"', False),
    ],
)
def test_a_tag_of_a_later_version_shows_that_ours_is_behind(ours: str, theirs: str, known: bool) -> None:
    assert behind(ours, theirs) is known


async def test_made_up_versions_have_a_page_loaded_once_in_a_while(client: Client) -> None:
    """And none of them takes the page away from the others."""
    await client.get("/api/cached")
    before = seen.loads
    for n in range(20):
        answer = await client.get("/api/cached", headers={"If-None-Match": f'"v{10**9 + n}-0123"'})
        assert answer.status == 200
    assert seen.loads - before <= 2

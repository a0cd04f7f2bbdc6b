"""Compressed variants of public responses: as the client takes them, made once, each with its own tag, the same on both ways."""

from __future__ import annotations

import gzip
import random

import brotli
import pytest

from harvestd.interfaces import Coded, Entry
from harvestd.settings.table import Settings
from harvestd.web import codings
from harvestd.web.codings import CODERS, Codings, wanted
from tests.waiting import eventually
from tests.web.client import Client, Response
from tests.web.http.test_fast_path import GET, Ways, learned, plain

READ = {"br": brotli.decompress, "gzip": gzip.decompress}


@pytest.mark.parametrize(
    ("taken", "coding"),
    [
        ("", ""), ("gzip", "gzip"), ("gzip, deflate, br, zstd", "br"), ("br;q=0, gzip;q=1.0", "gzip"), ("BR", "br"), ("gzip;q=0.000", ""),
        ("gzip;q=0.001", "gzip"), ("gzip ; q=0", ""), ("gzip;\tq=0", ""), ("gzip;q=\t0\t, br;q=0.000", ""), ("identity", ""), ("*", ""), ("deflate, zstd", ""), ("x-gzip", ""), ("br,,gzip", "br"),
        ("br;q=0.1, gzip;q=1", "gzip"), ("br;q=0.1, gzip", "gzip"), ("gzip;q=0.5, br;q=0.50", "br"), ("br;q=0.2, gzip;q=0.3", "gzip"),
        ("identity, br;q=0.9", ""), ("identity;q=0.5, gzip;q=0.5", "gzip"), ("identity;q=0, gzip;q=0.1", "gzip"), ("gzip, gzip;q=0", ""), ("br;q=2, gzip;q=x", ""), ("br;q=, gzip", "gzip"),
    ],
)  # fmt: skip
def test_the_best_coding_that_is_taken(taken: str, coding: str) -> None:
    assert wanted(taken) == coding


class Holding:
    """What is said to a cache."""

    def __init__(self) -> None:
        self.bytes = 0

    def grown(self, key: str, entry: Entry, size: int) -> None:
        self.bytes += size


@pytest.mark.parametrize("coding", CODERS)
async def test_a_variant_is_made_once_and_reads_as_the_response(coding: str) -> None:
    cache, entry = Holding(), Entry(b'{"a": "b"}' * 200, '"v7-abc"')
    variants = Codings(cache)  # type: ignore[arg-type]
    assert variants.of("key", entry, coding) is None, "until it is made the response goes as it is"
    assert variants.of("key", entry, coding) is None

    async def made() -> bool:
        return variants.of("key", entry, coding) is not None

    await eventually("it is made", made)
    found = variants.of("key", entry, coding)
    assert isinstance(found, Coded) and READ[coding](found.body) == entry.body
    assert (found.coding, found.etag) == (coding, f'"v7-abc-{coding}"')
    assert cache.bytes == len(found.body) < len(entry.body)


@pytest.mark.parametrize(
    "entry",
    [Entry(b"x" * 511, '"a"'), Entry(random.Random(1).randbytes(5000), '"a"'), Entry(b"x" * 5000, '"a"', status=404)],
)
async def test_what_is_small_or_no_smaller_stays_as_it_is(entry: Entry) -> None:
    cache = Holding()
    variants = Codings(cache)  # type: ignore[arg-type]
    for _ in range(3):
        assert variants.of("key", entry, "gzip") is None

    async def over() -> bool:
        return not variants._making

    await eventually("nothing is in the making", over)
    assert variants.of("key", entry, "gzip") is None and not cache.bytes


def asked(coding: str, more: bytes = b"") -> bytes:
    return GET + b"Accept-Encoding: " + coding.encode() + b"\r\n" + more + b"\r\n"


async def compressed(ways: Ways, coding: str) -> Response:
    """The answer once its variant is made."""
    found: list[Response] = []

    async def made() -> bool:
        found.append((await ways.ask(asked(coding)))[0])
        return "content-encoding" in found[-1].headers

    await eventually("it comes compressed", made)
    return found[-1]


@pytest.mark.parametrize("coding", CODERS)
async def test_both_ways_send_it_alike(web_settings: Settings, monkeypatch: pytest.MonkeyPatch, coding: str) -> None:
    monkeypatch.setattr(codings, "LEAST", 1)
    monkeypatch.setitem(CODERS, coding, lambda body: b"c")  # shorter than any
    ways, long = await learned(web_settings), await learned(web_settings, short_way=False)
    whole = (await ways.ask(GET + b"\r\n"))[0]
    before = ways.parts.cache.state().bytes
    quick, slow = await compressed(ways, coding), await compressed(long, coding)
    assert plain(quick) == plain(slow)
    assert (quick.status, quick.body, quick.headers["content-encoding"]) == (200, b"c", coding)
    assert quick.headers["content-length"] == "1"
    assert quick.headers["vary"] == whole.headers["vary"] == "Authorization, Accept-Encoding"
    assert quick.headers["etag"] == whole.headers["etag"][:-1] + f'-{coding}"'
    assert ways.parts.cache.state().bytes == before + 1
    for tag in (quick.headers["etag"], whole.headers["etag"]):
        line = b"If-None-Match: " + tag.encode() + b"\r\n"
        (same, short), (expected, _) = await ways.ask(asked(coding, line)), await long.ask(asked(coding, line))
        assert (same.status, same.body, same.headers["etag"], short) == (304, b"", tag, True)
        assert plain(same) == plain(expected)
    as_it_is, _ = await ways.ask(GET + b"\r\n")
    assert plain(as_it_is) == plain(whole), "who takes none gets none"


async def test_what_is_not_cached_is_not_compressed(client: Client) -> None:
    for path in ("/api/list", "/api/things/1"):
        for _ in range(3):
            answer = await client.get(path, headers={"Accept-Encoding": "gzip"})
            assert "content-encoding" not in answer.headers

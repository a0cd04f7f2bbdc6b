"""Blobs in a real S3 server: the contract, and what is there of them."""

from __future__ import annotations

import http.client
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_twisted
from twisted.internet import reactor

from harvestd.kernel import blob_keys
from harvestd.runtime.metrics import Metrics
from harvestd.store.blobs.s3 import SIGNED, SIGNED_FOR, S3Blobs
from harvestd.store.s3.bucket import Bucket
from harvestd.store.s3.client import S3Client
from harvestd.store.s3.multipart import PART
from harvestd.store.s3.objects import Objects
from servers.s3 import REGION, S3Server
from tests.contracts.blobs import KEYS, BlobsContract

PUBLIC = [key.replace("small", "mediasmall") for key in KEYS]
MEGABYTE = 2**20


def now() -> datetime:
    return datetime.now(UTC)


def store(url: str, *, media: str = "", style: str = "path", part: int = PART, region: str = REGION, timeout: float = 5.0, now: Any = now) -> S3Blobs:  # fmt: skip
    bucket = Bucket.of(url, region, style)
    objects = Objects(bucket, S3Client(reactor, bucket, timeout, now), now, part)
    return S3Blobs(objects, media, Metrics().shortages)


@pytest_twisted.async_yield_fixture(params=["", "a/prefix"], ids=["whole bucket", "prefix"])
async def blobs(s3: S3Server, request: pytest.FixtureRequest) -> AsyncIterator[S3Blobs]:
    one = store(s3.url(prefix=request.param))
    yield one
    await one.stop()


def got(address: str) -> http.client.HTTPResponse:
    """What a stranger gets there, without a signature but for that of the address."""
    url = urlsplit(address)
    connection = http.client.HTTPConnection(url.netloc, timeout=10)
    connection.request("GET", f"{url.path}?{url.query}")
    answer = connection.getresponse()
    answer.content = answer.read()  # type: ignore[attr-defined]
    connection.close()
    return answer


class TestS3Blobs(BlobsContract):
    """The contract."""


async def test_it_is_there_under_its_place_with_its_type_and_how_long_it_may_be_kept(
    blobs: S3Blobs, s3: S3Server
) -> None:
    for key in (KEYS[0], PUBLIC[0]):
        await blobs.put(key, BytesIO(key.encode()))
    prefix = s3.objects / "a" / "prefix"
    folder = prefix if prefix.exists() else s3.objects
    for key in (KEYS[0], PUBLIC[0]):
        assert (folder / blob_keys.place(key)).read_bytes() == key.encode()
    signed = got(blobs._objects.signed(blobs._name(PUBLIC[0]), 60))
    assert (signed.headers["Content-Type"], signed.headers["Cache-Control"]) == (
        "image/webp",
        "public, max-age=31536000, immutable",
    )
    private = got(blobs._objects.signed(blobs._name(KEYS[0]), 60))
    assert private.headers["Cache-Control"] == "private, no-store"


async def test_what_else_is_in_the_bucket_is_not_listed(blobs: S3Blobs, s3: S3Server) -> None:
    await blobs.put(KEYS[3], BytesIO(b"x"))
    for name in ("a.txt", "ab/readme.md", "zz/b.txt", f"fe/{KEYS[0]}", "a/prefix/00/x", f"a/prefix/ff/{KEYS[1]}"):
        await blobs._objects.put(name, BytesIO(b"x"), {})
    found = await blobs.listed("", 100)
    assert [one.key for one in found] == [KEYS[3]]
    assert [one.key for one in await blobs.listed("", 1)] == [KEYS[3]]


async def test_public_and_private_ones_are_listed_in_the_order_of_their_places(blobs: S3Blobs) -> None:
    for key in [*PUBLIC, *KEYS]:
        await blobs.put(key, BytesIO(b"x"))
    found: list[str] = []
    while page := await blobs.listed(found[-1] if found else "", 4):
        found += [one.place for one in page]
    assert found == sorted(blob_keys.place(key) for key in [*PUBLIC, *KEYS])


async def test_a_large_file_goes_in_parts_and_is_whole(s3: S3Server) -> None:
    blobs = store(s3.url(), part=5 * MEGABYTE)
    content = bytes(range(256)) * (12 * MEGABYTE // 256) + b"and some"
    with TemporaryFile() as file:
        file.write(content)
        await blobs.put(KEYS[0], file)
    with await blobs.open(KEYS[0]) as back:
        assert back.read() == content
    assert await blobs.unfinished(now() + timedelta(hours=1)) == []
    await blobs.stop()


async def test_an_upload_in_parts_that_was_left_is_told_and_tidied_after_a_while(blobs: S3Blobs) -> None:
    client, name = blobs._objects.client, blobs._name(KEYS[0])
    from harvestd.store.s3.exchange import Request

    await client.ask(Request(method="POST", key=name, query={"uploads": ""}))
    hour = timedelta(hours=1)
    assert await blobs.unfinished(now() - hour) == []
    (left,) = await blobs.unfinished(now() + hour)
    assert left.startswith(blob_keys.place(KEYS[0]))
    await blobs.tidy(now() - hour)
    assert await blobs.unfinished(now() + hour) == [left]
    await blobs.tidy(now() + hour)
    assert await blobs.unfinished(now() + hour) == []


async def test_an_address_that_is_signed_is_read_by_anyone_for_a_while_and_no_other(s3: S3Server) -> None:
    blobs = store(s3.url(), media=SIGNED)
    await blobs.put(PUBLIC[0], BytesIO(b"a picture"))
    address = blobs.address(PUBLIC[0])
    answer = got(address)
    assert (answer.status, answer.content) == (200, b"a picture")  # type: ignore[attr-defined]
    assert got(address.partition("?")[0]).status == 403
    assert got(address.replace(PUBLIC[0], PUBLIC[1])).status == 403
    old = store(s3.url(), media=SIGNED, now=lambda: now() - timedelta(seconds=SIGNED_FOR + 60))
    assert got(old.address(PUBLIC[0])).status == 403
    for one in (blobs, old):
        await one.stop()


async def test_what_is_private_has_no_address(s3: S3Server) -> None:
    for media in ("", SIGNED, "https://cdn.example/pictures/"):
        blobs = store(s3.url(), media=media)
        assert blobs.address(KEYS[0]) == ""
        await blobs.stop()
    assert blobs.address(PUBLIC[0]) == f"https://cdn.example/pictures/{blob_keys.place(PUBLIC[0])}"


async def test_a_bucket_may_be_a_host(s3: S3Server, names_of_this_machine: None) -> None:
    url = s3.url().replace("127.0.0.1", "localhost")
    blobs = store(url, style="host")
    await blobs.put(KEYS[0], BytesIO(b"x"))
    assert await blobs.read(KEYS[0], 10) == b"x"
    assert (s3.objects / blob_keys.place(KEYS[0])).exists()
    await blobs.stop()


@pytest.fixture
def names_of_this_machine() -> Any:
    """Whatever ends in .localhost is this machine, as RFC 6761 has it and not every resolver."""
    from twisted.internet.interfaces import IHostnameResolver
    from zope.interface import implementer

    before = reactor.nameResolver  # type: ignore[attr-defined]

    @implementer(IHostnameResolver)
    class Names:
        def resolveHostName(self, receiver: Any, name: str, *arguments: Any, **options: Any) -> Any:
            here = "127.0.0.1" if name.endswith("localhost") else name
            return before.resolveHostName(receiver, here, *arguments, **options)

    reactor.installNameResolver(Names())  # type: ignore[attr-defined]
    yield
    reactor.installNameResolver(before)  # type: ignore[attr-defined]


async def test_a_put_holds_no_more_than_some_pieces_of_a_file(s3: S3Server) -> None:
    """Of 64 MB, in parts, while a reader in Python counts what it is asked for at once."""

    class Counted(BytesIO):
        most = 0

        def read(self, size: int | None = -1, /) -> bytes:
            assert size is not None and size >= 0
            Counted.most = max(Counted.most, size)
            return super().read(size)

    blobs = store(s3.url())
    await blobs.put(KEYS[0], Counted(bytes(64 * MEGABYTE)))
    assert Counted.most <= 131_072
    with await blobs.open(KEYS[0]) as back:
        assert back.seek(0, 2) == 64 * MEGABYTE
    await blobs.stop()


def test_nothing_that_is_shown_has_the_secret(tmp_path: Path) -> None:
    blobs = store("https://key:sesame@s3.example/market")
    assert "sesame" not in repr(blobs) + repr(blobs._objects.bucket) + repr(blobs._objects.bucket.signer)

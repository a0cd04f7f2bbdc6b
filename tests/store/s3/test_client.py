"""What becomes of a request when S3 refuses it, is slow, full, away, or says something else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred

from harvestd.interfaces import NoSuchBlob
from harvestd.kernel.errors import Unavailable
from harvestd.store.blobs.s3 import S3Blobs
from servers import Proxy
from servers.s3 import S3Server
from tests.contracts.blobs import KEYS
from tests.store.blobs.test_s3 import MEGABYTE, store
from tests.store.s3.small import SmallS3, error
from tests.waiting import eventually

FINE = 200, {}, b"x"
EMPTY_LIST = 200, {}, b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"


@pytest_twisted.async_yield_fixture
async def proxied(s3: S3Server) -> AsyncIterator[tuple[S3Blobs, Proxy]]:
    """A store whose server is behind a proxy that does harm; a try takes a second."""
    with Proxy(("127.0.0.1", s3.port)) as proxy:
        blobs = store(s3.url(port=proxy.port), timeout=1.0)
        yield blobs, proxy
        await blobs.stop()


@pytest.mark.parametrize(
    ("status", "code", "cure"),
    [
        (403, "InvalidAccessKeyId", "correct the key"),
        (403, "SignatureDoesNotMatch", "correct the secret"),
        (403, "AccessDenied", "needs the rights"),
        (404, "NoSuchBucket", "correct the bucket"),
        (507, "", "the store is full"),
        (301, "PermanentRedirect", "correct the host"),
        (400, "AuthorizationHeaderMalformed", "s3_region"),
        (403, "RequestTimeTooSkewed", "clock"),
    ],
)
async def test_what_is_refused_is_unavailable_at_once_and_says_what_to_do(status: int, code: str, cure: str) -> None:
    with SmallS3(error(status, code)) as small:
        blobs = store(small.url)
        with pytest.raises(Unavailable, match=cure):
            await blobs.put(KEYS[0], BytesIO(b"x"))
        assert len(small.asked) == 1
        with pytest.raises(Unavailable, match=cure):
            await blobs.open(KEYS[0])
        await blobs.stop()


@pytest.mark.parametrize(
    ("secret", "region", "cure"), [("wrong", "test-region-1", "correct the secret"), ("", "elsewhere-1", "s3_region")]
)
async def test_a_wrong_key_of_a_real_server_is_named(s3: S3Server, secret: str, region: str, cure: str) -> None:
    blobs = store(s3.url(secret) if secret else s3.url(), region=region)
    with pytest.raises(Unavailable, match=cure):
        await blobs.put(KEYS[0], BytesIO(b"x"))
    assert not [path for path in s3.objects.rglob("*") if path.is_file()]
    condition = await blobs.condition()
    assert condition.state == "degraded" and cure in condition.detail
    await blobs.stop()


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
async def test_what_passes_is_tried_again(status: int) -> None:
    with SmallS3(error(status, "InternalError"), FINE) as small:
        blobs = store(small.url)
        assert await blobs.read(KEYS[0], 10) == b"x"
        assert len(small.asked) == 2
        await blobs.stop()


async def test_a_server_that_fails_is_asked_a_few_times_and_then_left_alone_until_it_works() -> None:
    with SmallS3(error(500, "InternalError")) as small:
        blobs = store(small.url)
        with pytest.raises(Unavailable, match="InternalError"):
            await blobs.read(KEYS[0], 10)
        asked = len([one for one in small.asked if "list-type" not in one])
        assert asked == 3
        with pytest.raises(Unavailable, match="left alone"):
            await blobs.read(KEYS[0], 10)
        assert len([one for one in small.asked if "list-type" not in one]) == asked
        assert (await blobs.condition()).state == "degraded"
        small.answers = [EMPTY_LIST]
        await eventually("it is used again", lambda: blobs._objects.client.patience.breaker.closed)
        assert (await blobs.condition()).state == "ok"
        await blobs.stop()


async def test_slow_down_makes_all_requests_wait_and_is_no_failure() -> None:
    with SmallS3(error(503, "SlowDown"), FINE) as small:
        blobs = store(small.url)
        began = reactor.seconds()  # type: ignore[attr-defined]
        assert await blobs.read(KEYS[0], 10) == b"x"
        assert reactor.seconds() - began >= 0.3  # type: ignore[attr-defined]
        assert blobs._objects.client.patience.breaker.closed and blobs._objects.client.patience.breaker.opened == 0
        small.answers = [error(503, "SlowDown", Retry_After="1"), FINE]
        began = reactor.seconds()  # type: ignore[attr-defined]
        assert await blobs.read(KEYS[0], 10) == b"x"
        assert reactor.seconds() - began >= 1.0, "as long as it asked for"  # type: ignore[attr-defined]
        small.answers = [error(503, "SlowDown")]
        with pytest.raises(Unavailable, match="SlowDown"):
            await blobs.read(KEYS[0], 10)
        assert len(small.asked) == 2 + 2 + 3
        await blobs.stop()


async def test_a_timeout_is_bounded_and_nothing_is_half_kept(proxied: tuple[S3Blobs, Proxy], s3: S3Server) -> None:
    blobs, proxy = proxied
    proxy.blackhole = True
    began = reactor.seconds()  # type: ignore[attr-defined]
    with pytest.raises(Unavailable, match="no answer within"):
        await blobs.put(KEYS[0], BytesIO(b"x"))
    assert reactor.seconds() - began < 10  # type: ignore[attr-defined]
    proxy.mend()
    assert not [path for path in s3.objects.rglob("*") if path.is_file()]


async def test_a_connection_that_breaks_in_the_middle_of_a_put_leaves_nothing_and_another_try_succeeds(
    proxied: tuple[S3Blobs, Proxy], s3: S3Server
) -> None:
    blobs, proxy = proxied
    proxy.reset_after = MEGABYTE // 2
    with pytest.raises(Unavailable):
        await blobs.put(KEYS[0], BytesIO(bytes(MEGABYTE)))
    assert not [path for path in s3.objects.rglob("*") if path.is_file() and not path.name.startswith(".")]
    proxy.mend()
    await eventually("it is used again", lambda: blobs._objects.client.patience.breaker.closed)
    await blobs.put(KEYS[0], BytesIO(bytes(MEGABYTE)))
    with await blobs.open(KEYS[0]) as back:
        assert back.seek(0, 2) == MEGABYTE


async def test_an_upload_in_parts_that_fails_is_aborted(s3: S3Server) -> None:
    class Breaking(BytesIO):
        """Fails in its second part, once it was hashed."""

        reads = 0

        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() >= 5 * MEGABYTE:
                Breaking.reads += 1
                if Breaking.reads > 60:
                    raise OSError(5, "Input/output error")
            return super().read(size)

    blobs = store(s3.url(), part=5 * MEGABYTE)
    with pytest.raises((OSError, Unavailable)):
        await blobs.put(KEYS[0], Breaking(bytes(12 * MEGABYTE)))

    async def nothing() -> bool:
        return await blobs.unfinished(datetime.now(UTC) + timedelta(hours=1)) == []

    await eventually("it is aborted", nothing)
    assert not await blobs.has(KEYS[0])
    await blobs.stop()


async def test_a_put_that_is_cancelled_stops_sending(proxied: tuple[S3Blobs, Proxy], s3: S3Server) -> None:
    blobs, proxy = proxied
    proxy.delay_there = 0.2
    putting = Deferred.fromCoroutine(blobs.put(KEYS[0], BytesIO(bytes(4 * MEGABYTE))))
    await eventually("it is sent", lambda: proxy.accepted > 0)
    putting.cancel()
    with pytest.raises(CancelledError):
        await putting
    proxy.mend()
    assert not await blobs.has(KEYS[0])


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>welcome</html>", b"\xff\xfe", b"<!DOCTYPE x [<!ENTITY a 'a'>]><ListBucketResult>&a;</ListBucketResult>",
     b"<ListBucketResult><Contents><Key>a</Key><LastModified>yesterday</LastModified></Contents></ListBucketResult>"],
    ids=["nothing", "html", "no text", "entities", "no time"],
)  # fmt: skip
async def test_what_is_no_listing_is_not_believed(body: bytes) -> None:
    with SmallS3((200, {}, body)) as small:
        blobs = store(small.url)
        with pytest.raises(Unavailable):
            await blobs.listed("", 10)
        await blobs.stop()


async def test_an_answer_that_is_cut_is_never_taken_for_whole() -> None:
    def cut() -> tuple[int, dict[str, str], bytes]:
        return 200, {"Content-Length": "100", "Connection": "close"}, b"half"

    with SmallS3(cut) as small:
        blobs = store(small.url, timeout=0.5)
        with pytest.raises(Unavailable):
            await blobs.read(KEYS[0], 1000)
        await blobs.stop()


async def test_a_redirect_is_not_followed() -> None:
    """It would lead what is sent, and the signature, to wherever the answer says."""
    with SmallS3(FINE) as other, SmallS3((307, {"Location": f"http://127.0.0.1:{other.port}/x"}, b"")) as small:
        blobs = store(small.url)
        with pytest.raises(Unavailable):
            await blobs.read(KEYS[0], 10)
        assert other.asked == []
        await blobs.stop()


async def test_what_is_not_there_is_no_failure_of_the_store() -> None:
    with SmallS3(error(404, "NoSuchKey")) as small:
        blobs = store(small.url)
        for _ in range(5):
            with pytest.raises(NoSuchBlob):
                await blobs.read(KEYS[0], 10)
        assert (await blobs.condition()).state == "ok"
        await blobs.stop()

"""Pictures of products in either store, a folder and S3: the same comes of the same. And what becomes of them while S3 does not do what it is asked."""

from __future__ import annotations

import base64
import os
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import attrs
import pytest
import pytest_twisted
from PIL import Image

from harvestd.interfaces import IBlobs, Retried
from harvestd.kernel import blob_keys
from harvestd.market.operations.blob_sweep import GRACE, sweep
from harvestd.parts import Parts
from harvestd.settings.table import Settings
from harvestd.store.blobs.comparing import DAMAGED, MISSING, STRAY, compared
from harvestd.store.blobs.folder import folder_of
from harvestd.store.postgres.database import Database
from servers import PostgresServer, wait_until
from servers.private import free_port
from servers.s3 import REGION, SECRET, S3Server
from tests.contracts.blobs import KEYS
from tests.daemons import Daemon, request
from tests.market.pictures.pictures import ALL, added, images, opened, send, shown
from tests.market.pictures.test_killed import PERSON
from tests.market.pictures.test_making import sold, tried
from tests.people import Market, Person
from tests.store.blobs.test_s3 import got, store
from tests.store.s3.small import SmallS3, error
from tests.uploading import form, picture
from tests.waiting import eventually
from tests.web.conftest import make_market, make_parts


@attrs.frozen
class Kept:
    """A store, and the folder in which its things are files."""

    blobs: IBlobs
    folder: Path

    async def names(self) -> list[str]:
        """The names of all that is there."""
        return sorted(one.key.partition(".")[2] for one in await self.blobs.listed("", 1000))


@pytest_twisted.async_yield_fixture(params=["folder", "s3"])
async def kept(request: pytest.FixtureRequest, web_settings: Settings) -> AsyncIterator[Kept]:
    if request.param == "folder":
        yield Kept(make_parts(web_settings, None).blobs, folder_of(web_settings))
        return
    server = request.getfixturevalue("s3")
    blobs = store(server.url())
    yield Kept(blobs, server.objects)
    await blobs.stop()


@pytest.fixture
def parts(web_settings: Settings, database: Database, kept: Kept) -> Parts:
    return attrs.evolve(make_parts(web_settings, database), blobs=kept.blobs)


async def test_a_picture_is_taken_made_shown_and_taken_away(market: Market, kept: Kept) -> None:
    farmer, product = await sold(market)
    image = await added(farmer, product)
    assert await kept.names() == ["original.png"]
    await market.work()
    assert await kept.names() == ALL, "the original is gone"
    (found,) = await shown(market, product)
    for size in found["sizes"].values():
        for name in ("webp", "jpeg"):
            assert (await opened(market, size[name])).size == (size["width"], size["height"])
    assert (await farmer.request("DELETE", f"/api/products/{product}/images/{image['id']}")).status == 204
    await market.work()
    assert (await kept.names(), market.broken(at_rest=True)) == ([], [])


async def test_a_document_comes_back_as_it_was_sent(market: Market, kept: Kept) -> None:
    farmer = await market.farmer()
    body, headers = form(b"%PDF-1.7\nx\n%%EOF", "a.pdf", kind="insurance", title="Insurance")
    path = f"/api/farms/{farmer.farm_id}/documents"
    sent = await farmer.client.request("POST", path, body=body, headers=headers)
    assert sent.status == 201, sent.text
    back = await farmer.get(f"{path}/{sent.json()['id']}")
    assert (back.status, back.body) == (200, b"%PDF-1.7\nx\n%%EOF")


async def test_the_sweep_deletes_what_has_no_row_and_marks_what_is_gone(market: Market, kept: Kept) -> None:
    farmer, product = await sold(market)
    await added(farmer, product)
    await market.work()
    await kept.blobs.put(KEYS[0], BytesIO(b"nobody's"))
    now = market.parts.now
    later = attrs.evolve(market.parts, now=lambda: now() + 2 * GRACE)
    await sweep(market.parts)
    assert len(await kept.names()) == 7, "it may be under way"
    await sweep(later)
    assert (await kept.names(), market.broken()) == (ALL, [])


@pytest.mark.logs_errors
async def test_a_thing_that_is_gone_is_lost_until_it_is_back(market: Market, kept: Kept) -> None:
    farmer, product = await sold(market)
    await added(farmer, product)
    await market.work()
    now = market.parts.now
    later = attrs.evolve(market.parts, now=lambda: now() + 2 * GRACE)
    one = (await kept.blobs.listed("", 1))[0]
    content = await kept.blobs.read(one.key, 10_000_000)
    await kept.blobs.delete(one.key)
    await sweep(later)
    assert [broken.count for broken in market.broken()] == [1]
    await kept.blobs.put(one.key, BytesIO(content))
    await sweep(later)
    assert market.broken() == []


async def test_the_check_finds_what_is_in_one_alone_and_what_differs(market: Market, kept: Kept) -> None:
    farmer, product = await sold(market)
    await added(farmer, product)
    await market.work()

    async def found() -> list[tuple[str, int]]:
        dsn = market.parts.database.settings.dsn
        return [(one.rule, one.count) for one in await compared(dsn, kept.blobs, content=True)]

    assert await found() == []
    await kept.blobs.put(KEYS[0], BytesIO(b"nobody's"))
    assert await found() == [], "it may be under way"
    os.utime(kept.folder / blob_keys.place(KEYS[0]), (1e9, 1e9))
    assert await found() == [(STRAY, 1)]
    first, second = (await kept.blobs.listed("media", 2))[:2]
    await kept.blobs.put(first.key, BytesIO(b"another's"))
    await kept.blobs.delete(second.key)
    assert await found() == [(STRAY, 1), (MISSING, 1), (DAMAGED, 1)]


# --- S3 alone ---


async def refused(market: Market, person: Person, product: str) -> Any:
    answer = await send(person, product, picture())
    assert (answer.status, await images(person, product)) == (503, [])
    assert int(answer.headers["retry-after"]) >= 1
    assert "secret" not in answer.text and "127.0.0.1" not in answer.text
    return answer


@pytest.fixture
def over(web_settings: Settings, database: Database) -> Any:
    """A market over another store."""
    return lambda blobs: make_market(attrs.evolve(make_parts(web_settings, database), blobs=blobs))


@pytest.mark.logs_errors
@pytest.mark.parametrize(("status", "code"), [(507, ""), (503, "ServiceUnavailable"), (403, "SignatureDoesNotMatch")])
async def test_an_upload_while_s3_is_full_or_refuses_is_503_and_nothing_is_kept(
    over: Any, status: int, code: str
) -> None:
    with SmallS3(error(status, code)) as small:
        blobs = store(small.url)
        market = over(blobs)
        farmer, product = await sold(market)
        await refused(market, farmer, product)
        await blobs.stop()
        assert market.broken() == []


@pytest.mark.logs_errors
async def test_uploads_and_workers_wait_while_s3_is_away_and_go_on_when_it_is_back(over: Any) -> None:
    """Killed in the middle: what was begun is not there."""
    with S3Server() as server:
        blobs = store(server.url(), timeout=1.0)
        market = over(blobs)
        farmer, product = await sold(market)
        await added(farmer, product)
        server.kill()
        assert (await send(farmer, product, picture())).status == 503
        assert isinstance(await tried(market), Retried)
        condition = await blobs.condition()
        assert condition.state == "degraded" and condition.detail
        server.start()
        await eventually("it is used again", lambda: blobs._objects.client.patience.breaker.closed)
        await market.work()
        assert [one["status"] for one in await images(farmer, product)] == ["ready"]
        assert (await send(farmer, product, picture())).status == 202
        await blobs.stop()


@pytest.mark.logs_errors
async def test_a_server_that_is_frozen_delays_an_upload_in_bounds(over: Any) -> None:
    with S3Server() as server:
        blobs = store(server.url(), timeout=0.5)
        market = over(blobs)
        farmer, product = await sold(market)
        server.freeze()
        await refused(market, farmer, product)
        server.thaw()
        await eventually("it is used again", lambda: blobs._objects.client.patience.breaker.closed)
        await added(farmer, product)
        await blobs.stop()


@pytest.mark.parametrize("media", ["signed", "https://cdn.example/shop"])
async def test_browsers_are_sent_to_where_pictures_are_and_nobody_to_an_original(
    over: Any, s3: S3Server, media: str
) -> None:
    blobs = store(s3.url(), media=media)
    market = over(blobs)
    farmer, product = await sold(market)
    await added(farmer, product)
    (original,) = await blobs.listed("", 10)
    for address in (f"/media/{original.place}", f"/{original.place}", f"/media/{original.place.partition('/')[2]}"):
        assert (await market.stranger.get(address)).status == 404
    assert blobs.address(original.key) == ""
    await market.work()
    (found,) = await shown(market, product)
    address = found["sizes"]["small"]["webp"]
    answer = await market.stranger.get(address)
    there = answer.headers["location"]
    assert (answer.status, answer.headers["cache-control"]) == (307, "public, max-age=300")
    if media == "signed":
        read = got(there)
        assert (read.status, read.headers["Content-Type"]) == (200, "image/webp")
        assert Image.open(BytesIO(read.content)).format == "WEBP"  # type: ignore[attr-defined]
    else:
        assert there == f"https://cdn.example/shop{address}"
    await farmer.request("DELETE", f"/api/products/{product}/images/{(await images(farmer, product))[0]['id']}")
    assert (await market.stranger.get(address)).status == 404
    await blobs.stop()


@pytest.mark.limit(120)
def test_a_daemon_names_s3_in_its_readiness_and_keeps_what_is_uploaded_there(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    database = postgres.clone()
    with S3Server() as server:
        url = {"database_url": postgres.url(database), "s3_url": server.url(), "s3_region": REGION, "s3_timeout": 1.0}
        api = Daemon("harvest-api", tmp_path, http_port=free_port(), queue_poll=0.1, **url)

        def of_s3() -> dict[str, str]:
            _, ready, _ = request(api.port, "GET", "/health/ready")
            found: dict[str, str] = ready["parts"]["s3"]
            return found

        try:
            api.start()
            assert of_s3()["state"] == "ok"
            _, person, _ = request(api.port, "POST", "/api/auth/register", PERSON)
            token = {"Authorization": f"Bearer {person['access_token']}"}
            offer = {"title": "Carrots", "unit": "each", "price": 100, "stock": 1}
            _, product, _ = request(api.port, "POST", "/api/products", offer, token)
            body = {"content": base64.b64encode(picture()).decode()}
            path = f"/api/products/{product['id']}/images"
            assert request(api.port, "POST", path, body, token)[0] == 202
            wait_until("it is made", lambda: request(api.port, "GET", path, headers=token)[1]["items"][0]["status"] == "ready", 60)  # fmt: skip
            assert len([one for one in server.objects.rglob("*.webp") if one.is_file()]) == 3
            assert not (tmp_path / "blobs").exists()
            server.kill()
            wait_until("it is named", lambda: of_s3()["state"] == "degraded", 30)
            status, _, headers = request(api.port, "POST", path, body, token, 60)
            assert (status, "retry-after" in {name.lower() for name in headers}) == (503, True)
            assert "secret%2B" not in api.log.read_text() and SECRET not in api.log.read_text()
        finally:
            api.kill()
            postgres.drop(database)

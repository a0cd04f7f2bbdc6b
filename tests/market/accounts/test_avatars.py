"""An account's picture: set, shown, replaced, and gone with the account."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path
from typing import Any

import attrs
import pytest
from PIL import Image

from harvestd.market.accounts.avatar_shapes import SIZES
from harvestd.market.operations.blob_sweep import GRACE, sweep
from tests.people import Market, Person
from tests.uploading import form, picture
from tests.web.client import Response
from tests.web.conftest import settled

AVATAR = "/api/users/me/avatar"


async def put(person: Person, content: bytes, filename: str = "me.png") -> Response:
    body, headers = form(content, filename)
    return await person.client.request("PUT", AVATAR, body=body, headers=headers)


async def addresses(person: Person) -> list[str]:
    """Those of the person's picture, in each size and format."""
    sizes = (await person.get("/api/users/me")).json()["avatar"]["sizes"]
    return [one[kind] for one in sizes.values() for kind in ("webp", "jpeg")]


def files(market: Market) -> list[Path]:
    """All that the store of blobs has, unfinished things included."""
    return [path for path in (Path(market.parts.settings.data_dir) / "blobs").rglob("*") if path.is_file()]


async def test_a_picture_is_shown_in_two_sizes_and_formats_to_anyone(market: Market) -> None:
    ann = await market.person()
    answer = await put(ann, picture())
    assert (answer.status, set(answer.json()["avatar"]["sizes"])) == (200, {"small", "large"})
    assert (await market.stranger.get(f"/api/users/{ann.id}")).json()["avatar"] == answer.json()["avatar"]
    found = {}
    for address in await addresses(ann):
        shown = await market.stranger.get(address)
        image = Image.open(BytesIO(shown.body))
        found[address.rpartition("/")[2]] = (shown.status, shown.headers["content-type"], image.format, image.size)
        assert shown.headers["cache-control"] == "private, max-age=604800, immutable"
        assert shown.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in shown.headers["content-security-policy"]
        again = await market.stranger.get(address, headers={"If-None-Match": shown.headers["etag"]})
        assert (again.status, again.body) == (304, b"")
    assert found == {
        f"{size.name}.{suffix}": (200, f"image/{kind.lower()}", kind, (size.width, size.height))
        for size in SIZES
        for suffix, kind in (("webp", "WEBP"), ("jpg", "JPEG"))
    }


async def test_json_with_base64_does_the_same(market: Market) -> None:
    ann = await market.person()
    content = base64.b64encode(picture("JPEG")).decode()
    answer = await ann.request("PUT", AVATAR, {"filename": "../../etc/passwd", "content": content})
    assert answer.status == 200, answer.text
    assert {(await market.stranger.get(address)).status for address in await addresses(ann)} == {200}


async def test_a_new_picture_has_other_addresses_and_the_old_one_is_gone(market: Market) -> None:
    ann = await market.person()
    await put(ann, picture())
    before = await addresses(ann)
    await put(ann, picture(size=(40, 40)))
    after = await addresses(ann)
    assert not set(before) & set(after)
    assert {(await market.stranger.get(address)).status for address in before} == {404}
    assert {(await market.stranger.get(address)).status for address in after} == {200}
    assert len(files(market)) == 4
    assert market.broken() == []


async def test_a_picture_that_was_taken_away_is_gone(market: Market) -> None:
    ann = await market.person()
    await put(ann, picture())
    before = await addresses(ann)
    assert [(await ann.request("DELETE", AVATAR)).status for _ in range(2)] == [204, 204]
    assert (await ann.get("/api/users/me")).json()["avatar"] is None
    assert {(await market.stranger.get(address)).status for address in before} == {404}
    assert files(market) == []


async def test_closing_an_account_deletes_its_picture_at_once(market: Market) -> None:
    ann = await market.person()
    await put(ann, picture())
    before = await addresses(ann)
    assert (await ann.request("DELETE", "/api/users/me")).status == 204
    assert {(await market.stranger.get(address)).status for address in before} == {404}
    assert files(market) == []
    assert market.broken() == []


async def test_the_picture_of_a_deactivated_account_is_not_shown_until_it_is_open_again(market: Market) -> None:
    ann, admin = await market.person(), await market.person("admin")
    await put(ann, picture())
    before = await addresses(ann)

    async def statuses(active: bool) -> set[int]:
        await admin.request("PATCH", f"/api/admin/users/{ann.id}", {"active": active})
        return {(await market.stranger.get(address)).status for address in before}

    assert [await statuses(False), await statuses(True)] == [{404}, {200}]


async def test_pictures_that_come_at_once_leave_one(market: Market) -> None:
    ann = await market.person()
    answers = await settled(*(put(ann, picture(size=(20 + n, 20))) for n in range(4)), ann.request("DELETE", AVATAR))
    assert {answer.status for answer in answers} == {200, 204}
    there = (await ann.get("/api/users/me")).json()["avatar"] is not None
    assert len(files(market)) == 4 * there
    assert market.broken() == []


async def test_an_account_that_is_closed_meanwhile_has_no_picture(market: Market) -> None:
    """Whichever comes first: what was put and has no row is swept."""
    ann = await market.person()
    answers = await settled(put(ann, picture()), put(ann, picture()), ann.request("DELETE", "/api/users/me"))
    assert {answer.status for answer in answers} <= {200, 204, 401}
    assert answers[2].status == 204
    now = market.parts.now
    await sweep(attrs.evolve(market.parts, now=lambda: now() + 2 * GRACE))
    assert (files(market), market.broken()) == ([], [])


async def test_nobody_else_has_a_persons_picture(market: Market) -> None:
    ann, bob = await market.person(), await market.person()
    await put(ann, picture())
    assert (await bob.request("DELETE", AVATAR)).status == 204
    assert {(await market.stranger.get(address)).status for address in await addresses(ann)} == {200}
    assert (await market.stranger.request("PUT", AVATAR, json={"content": ""})).status == 401


@pytest.mark.parametrize("name", ["small.png", "..%2f..%2fsecret", "small.webp%00", ".new-0011", "huge.webp"])
async def test_there_is_nothing_under_another_name(market: Market, name: str) -> None:
    ann = await market.person()
    await put(ann, picture())
    address = (await addresses(ann))[0].rpartition("/")[0]
    assert (await market.stranger.get(f"{address}/{name}")).status in (400, 404, 422)


async def test_the_export_says_where_the_picture_is(market: Market) -> None:
    ann = await market.person()
    await put(ann, picture())
    exported: Any = (await ann.get("/api/users/me/export")).json()
    assert exported["account"]["avatar"] in await addresses(ann)


async def test_a_picture_is_upright_and_without_where_it_was_taken(market: Market) -> None:
    """EXIF's orientation 6: the camera lay on its side, so its left upper quarter belongs to the right."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x8825] = {1: "N", 2: (48.0, 51.0, 30.0), 3: "E", 4: (2.0, 21.0, 7.0)}
    exif[0x010E] = "a secret garden"
    ann = await market.person()
    sent = picture("JPEG", (200, 200), exif=exif, comment=b"a secret comment", quality=95)
    assert b"secret garden" in sent
    await put(ann, sent)
    for address in await addresses(ann):
        content = (await market.stranger.get(address)).body
        image = Image.open(BytesIO(content))
        assert not image.getexif()
        assert b"secret" not in content
        assert not {"exif", "comment", "icc_profile", "xmp"} & image.info.keys()
        side = image.width
        corners = [image.convert("RGB").getpixel((x, side // 4)) for x in (side // 4, 3 * side // 4)]
        assert [pixel[2] > 100 for pixel in corners] == [False, True]  # type: ignore[index]

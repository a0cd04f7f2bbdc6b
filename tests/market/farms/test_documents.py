"""A farm's papers: kept for those who run it and the market's staff, and shown to nobody else."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from harvestd.market.farms.document_routes import MOST
from tests.market.accounts.test_avatars import files
from tests.people import Market, Person
from tests.uploading import form, picture
from tests.web.client import Response
from tests.web.conftest import settled

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 2000 + b"\ntrailer\n%%EOF\n"


async def add(person: Person, farm_id: str, content: bytes = PDF, filename: str = "x", **fields: str) -> Response:
    fields = {"kind": "organic_certificate", "title": "Organic certificate"} | fields
    body, headers = form(content, filename, **fields)
    return await person.client.request("POST", f"/api/farms/{farm_id}/documents", body=body, headers=headers)


async def test_a_pdf_comes_back_as_it_was_and_only_to_be_kept(market: Market) -> None:
    farmer = await market.farmer()
    made = await add(farmer, farmer.farm_id, filename='"../a\\"; x=y.html')
    assert made.status == 201, made.text
    document = made.json()
    assert made.headers["location"] == document["url"]
    assert (document["kind"], document["media_type"], document["size"]) == (
        "organic_certificate",
        "application/pdf",
        len(PDF),
    )
    shown = await farmer.get(document["url"])
    assert (shown.status, shown.body, shown.headers["content-type"]) == (200, PDF, "application/pdf")
    assert (
        shown.headers["content-disposition"] == f'attachment; filename="organic_certificate-{document["id"][-12:]}.pdf"'
    )
    assert shown.headers["cache-control"] == "private, no-store"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in shown.headers["content-security-policy"]
    head = await farmer.client.request("HEAD", document["url"])
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(PDF)))
    assert (await farmer.get(f"/api/farms/{farmer.farm_id}/documents")).json()["items"] == [document]
    assert market.broken() == []


async def test_a_picture_is_kept_in_a_size_to_read_without_where_it_was_taken(market: Market) -> None:
    farmer = await market.farmer()
    exif = Image.Exif()
    exif[0x010E] = "a secret garden"
    document = (await add(farmer, farmer.farm_id, picture("JPEG", (3000, 1000), exif=exif))).json()
    assert document["media_type"] == "image/jpeg"
    content = (await farmer.get(document["url"])).body
    image = Image.open(BytesIO(content))
    assert (image.format, image.size, b"secret" in content) == ("JPEG", (2400, 800), False)
    assert len(files(market)) == 1


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"<!doctype html><script>alert(1)</script>", 415), (b"PK\x03\x04 a letter", 415), (b" %PDF-1.7 %%EOF", 415), (b"", 415),
        (PDF[:-10], 422), (picture(size=(500, 500))[:300], 422),
    ],
)  # fmt: skip
async def test_what_is_neither_is_refused(market: Market, content: bytes, status: int) -> None:
    farmer = await market.farmer()
    assert (await add(farmer, farmer.farm_id, content)).status == status
    assert files(market) == []


async def test_who_runs_the_farm_and_the_markets_staff_see_them_and_nobody_else(market: Market) -> None:
    farmer, other = await market.farmer(), await market.farmer("Elsewhere")
    people: dict[str, Any] = {"owner": farmer, "other": other, "nobody": market.stranger}
    for role in ("manager", "packer", "driver"):
        people[f"{role} of the farm"] = await market.person("farmer")
        await market.join(people[f"{role} of the farm"], farmer.farm_id, role)
    for role in ("buyer", "manager", "admin"):
        people[role] = await market.person(role)
    url = (await add(farmer, farmer.farm_id)).json()["url"]
    seen = {
        who: [(await one.get(path)).status for path in (url, url.rpartition("/")[0])] for who, one in people.items()
    }
    may = {"owner", "manager of the farm", "manager", "admin"}
    assert seen == {
        who: [200, 200] if who in may else [401, 401] if who == "nobody" else [403, 403] for who in people
    }  # fmt: skip
    for who in ("other", "packer of the farm", "buyer"):
        assert (await add(people[who], farmer.farm_id)).status == 403
        assert (await people[who].request("DELETE", url)).status == 403
    mine = (await add(other, other.farm_id)).json()
    assert (await farmer.get(f"/api/farms/{farmer.farm_id}/documents/{mine['id']}")).status == 404
    for name in ("document.pdf", "document.jpg"):
        assert (await market.stranger.get(f"/api/blobs/{mine['id']}/{name}")).status == 404


async def test_a_document_that_was_deleted_is_gone(market: Market) -> None:
    farmer = await market.farmer()
    url = (await add(farmer, farmer.farm_id)).json()["url"]
    assert [(await farmer.request("DELETE", url)).status for _ in range(2)] == [204, 404]
    assert (await farmer.get(url)).status == 404
    assert (files(market), market.broken()) == ([], [])


async def test_a_farm_has_so_many_at_most_however_they_come(market: Market) -> None:
    farmer = await market.farmer()
    for _ in range(MOST - 2):
        assert (await add(farmer, farmer.farm_id, b"%PDF-1.7 %%EOF")).status == 201
    answers = await settled(*(add(farmer, farmer.farm_id, b"%PDF-1.7 %%EOF") for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [201, 201, 409, 409]
    assert (await farmer.get(f"/api/farms/{farmer.farm_id}/documents?count=true")).json()["total"] == MOST


async def test_every_fault_is_told_at_once(market: Market) -> None:
    farmer = await market.farmer()
    answer = await farmer.post(f"/api/farms/{farmer.farm_id}/documents", {"kind": "poem", "title": " ", "content": "?"})
    assert {one["field"] for one in answer.json()["errors"]} == {"kind", "title", "content"}
    answer = await farmer.post(f"/api/farms/{farmer.farm_id}/documents", {"content": base64.b64encode(PDF).decode()})
    assert {one["field"] for one in answer.json()["errors"]} == {"kind", "title"}


async def test_a_large_file_is_read_as_the_client_takes_it(market: Market) -> None:
    """A client that does not read has a piece of it waiting, and the file is closed when it leaves."""
    import os
    from pathlib import Path

    farmer = await market.farmer()
    url = (await add(farmer, farmer.farm_id, b"%PDF-1.7\n" + b"x" * 3_000_000 + b"%%EOF")).json()["url"]
    from tests.web.client import encode

    def opened() -> int:
        links = [os.readlink(one) for one in Path("/proc/self/fd").iterdir() if one.is_symlink()]
        return sum("/blobs/" in link for link in links)

    from tests.waiting import eventually

    line = farmer.client.connect()
    line.transport.reading = False
    line.send(encode("GET", url, headers=farmer.client.headers))
    await eventually("it is written", lambda: line.transport.dataBuffer)
    assert (len(line.transport.dataBuffer) < 200_000, opened()) == (True, 1)
    line.hang_up()
    assert opened() == 0

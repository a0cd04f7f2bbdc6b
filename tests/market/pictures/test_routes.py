"""Pictures of a product: added, described, moved, taken away, and shown."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from harvestd.market.pictures.rules import MOST
from tests.market.pictures.pictures import ALL, added, files, images, opened, send, shown
from tests.people import Market, Person
from tests.uploading import picture
from tests.web.conftest import settled


async def sold(market: Market) -> tuple[Person, str]:
    farmer = await market.farmer()
    return farmer, (await market.product(farmer))["id"]


async def test_a_picture_is_accepted_then_made_then_shown_in_three_sizes(market: Market) -> None:
    farmer, product = await sold(market)
    image = await added(farmer, product, picture(size=(1800, 900)), alt="Carrots")
    assert image == {
        "id": image["id"], "status": "processing", "reason": None, "alt": "Carrots", "position": 0, "width": 1800, "height": 900,
        "dominant_color": None, "sizes": None,
    }  # fmt: skip
    assert await shown(market, product) == []
    await market.work()
    (found,) = await shown(market, product)
    assert (found["id"], found["status"], found["alt"], found["width"], found["height"]) == (
        image["id"], "ready", "Carrots", 1800, 900,
    )  # fmt: skip
    sizes = {name: (one["width"], one["height"]) for name, one in found["sizes"].items()}
    assert sizes == {"small": (320, 160), "medium": (800, 400), "large": (1600, 800)}
    for one in found["sizes"].values():
        for kind, name in (("WEBP", "webp"), ("JPEG", "jpeg")):
            made = await opened(market, one[name])
            assert (made.format, made.size) == (kind, (one["width"], one["height"]))
    assert files(market) == ALL, "the original is gone"
    assert market.broken(at_rest=True) == []


async def test_json_with_base64_does_the_same(market: Market) -> None:
    farmer, product = await sold(market)
    body = {"filename": "../../etc/passwd", "content": base64.b64encode(picture()).decode(), "alt": "é"}
    answer = await farmer.post(f"/api/products/{product}/images", body)
    assert (answer.status, answer.json()["image"]["alt"]) == (202, "é")


async def test_a_file_is_kept_by_anyone_for_good_and_never_sent_twice(market: Market) -> None:
    farmer, product = await sold(market)
    await added(farmer, product)
    await market.work()
    address = (await shown(market, product))[0]["sizes"]["small"]["webp"]
    answer = await market.stranger.get(address)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    again = await market.stranger.get(address, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


async def test_the_original_is_never_served(market: Market) -> None:
    """It says where it was taken."""
    farmer, product = await sold(market)
    await added(farmer, product)
    blob = str((await rows(market, "select blob from product_images"))[0][0])
    for name in ("original.png", "mediasmall.webp"):
        for shard in (blob[-2:], "media"):
            assert (await market.stranger.get(f"/media/{shard}/{blob}.{name}")).status == 404


async def rows(market: Market, sql: str) -> list[tuple[Any, ...]]:
    import psycopg2

    with psycopg2.connect(market.parts.database.settings.dsn) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    connection.close()
    return found


async def test_a_product_has_twelve_pictures_at_most(market: Market) -> None:
    farmer, product = await sold(market)
    answers = await settled(*(send(farmer, product, picture(size=(20 + n, 9))) for n in range(MOST + 2)))
    assert sorted(answer.status for answer in answers) == [202] * MOST + [409] * 2
    assert [one["position"] for one in await images(farmer, product)] == list(range(MOST))
    assert market.broken() == []


async def test_a_picture_is_described_and_moved_and_the_others_make_room(market: Market) -> None:
    farmer, product = await sold(market)
    first, second, third = [(await added(farmer, product, alt=alt))["id"] for alt in ("1", "2", "3")]
    await market.work()
    path = f"/api/products/{product}/images/{third}"
    before = (await market.stranger.get(f"/api/products/{product}")).headers["etag"]
    answer = await farmer.request("PATCH", path, {"alt": " three ", "position": 0}, If_Match=before)
    assert (answer.status, answer.json()["position"], answer.json()["alt"]) == (200, 0, "three")
    assert [one["id"] for one in await shown(market, product)] == [third, first, second]
    now = await market.stranger.get(f"/api/products/{product}")
    assert answer.headers["etag"].split("-")[0] == now.headers["etag"].split("-")[0] == f'"v{now.json()["version"]}'
    assert (await farmer.request("PATCH", path, {"alt": "4"}, If_Match=before)).status == 412
    beyond = await farmer.request("PATCH", path, {"position": 3})
    assert (beyond.status, beyond.json()["errors"][0]["code"]) == (422, "above-maximum")
    assert market.broken() == []


async def test_what_buyers_do_not_see_is_no_new_version(market: Market) -> None:
    farmer, product = await sold(market)
    image = await added(farmer, product)
    version = (await market.stranger.get(f"/api/products/{product}")).json()["version"]
    assert (await farmer.request("PATCH", f"/api/products/{product}/images/{image['id']}", {"alt": "x"})).status == 200
    assert (await market.stranger.get(f"/api/products/{product}")).json()["version"] == version
    await market.work()
    assert (await market.stranger.get(f"/api/products/{product}")).json()["version"] == version + 1


async def test_a_picture_that_is_taken_away_is_gone_and_the_others_move_up(market: Market) -> None:
    farmer, product = await sold(market)
    first = (await added(farmer, product))["id"]
    await added(farmer, product, alt="stays")
    await market.work()
    gone = (await shown(market, product))[0]["sizes"]["large"]["jpeg"]
    path = f"/api/products/{product}/images/{first}"
    assert [(await farmer.request("DELETE", path)).status for _ in range(2)] == [204, 404]
    assert [(one["alt"], one["position"]) for one in await shown(market, product)] == [("stays", 0)]
    assert (await market.stranger.get(gone)).status == 404
    assert files(market) == ALL
    assert market.broken() == []


async def test_one_that_is_taken_away_before_it_is_made_leaves_nothing(market: Market) -> None:
    farmer, product = await sold(market)
    image = await added(farmer, product)
    assert (await farmer.request("DELETE", f"/api/products/{product}/images/{image['id']}")).status == 204
    await market.work()
    assert (files(market), await images(farmer, product), market.broken(at_rest=True)) == ([], [], [])


async def test_the_same_key_adds_one_picture_however_its_form_is_cut(market: Market) -> None:
    farmer, product = await sold(market)
    first = await send(farmer, product, picture(), key="k-1", alt="a")
    content = base64.b64encode(picture()).decode()
    again = await farmer.post(
        f"/api/products/{product}/images", {"content": content, "alt": "a"}, Idempotency_Key="k-1"
    )
    other = await send(farmer, product, picture(size=(9, 9)), key="k-1", alt="a")
    assert (first.status, first.body == again.body, other.status) == (202, True, 422)
    assert len(await images(farmer, product)) == 1


async def test_nobody_else_changes_a_products_pictures(market: Market) -> None:
    farmer, product = await sold(market)
    image = await added(farmer, product)
    other, packer = await market.farmer("Elsewhere"), await market.person("farmer", "Own")
    await market.join(packer, farmer.farm_id, "packer")
    path = f"/api/products/{product}/images"
    for person, status in ((other, 404), (packer, 403)):
        assert (await send(person, product, picture())).status == status
        assert (await person.get(path)).status == status
        assert (await person.request("PATCH", f"{path}/{image['id']}", {"alt": "x"})).status == status
        assert (await person.request("DELETE", f"{path}/{image['id']}")).status == status
    elsewhere = (await market.product(other))["id"]
    assert (await other.request("DELETE", f"/api/products/{elsewhere}/images/{image['id']}")).status == 404


async def test_a_suggestion_has_the_first_picture(market: Market) -> None:
    farmer, product = await sold(market)
    await added(farmer, product, alt="first")
    await added(farmer, product, alt="second")
    await market.work()
    (found,) = [
        one
        for one in (await market.stranger.get("/api/search/suggest?q=carr")).json()["items"]
        if one["kind"] == "product"
    ]
    assert found["image"] == (await shown(market, product))[0]


@pytest.mark.parametrize("alt", ["x" * 251, "a\u0007b"])
async def test_an_alternative_text_is_a_text(market: Market, alt: str) -> None:
    farmer, product = await sold(market)
    answer = await send(farmer, product, picture(), alt=alt)
    assert (answer.status, answer.json()["errors"][0]["field"]) == (422, "alt")

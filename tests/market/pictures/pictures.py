"""Pictures of products for tests: sent, made, and what is there of them."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from tests.people import Market, Person
from tests.uploading import form, picture
from tests.web.client import Response


async def send(person: Person, product: str, content: bytes, filename: str = "a.png", /, key: str = "", **fields: str) -> Response:  # fmt: skip
    """Add a picture to a product, as a form."""
    body, headers = form(content, filename, **fields)
    headers |= {"Idempotency-Key": key} if key else {}
    return await person.client.request("POST", f"/api/products/{product}/images", body=body, headers=headers)


async def added(person: Person, product: str, content: bytes = b"", **fields: str) -> dict[str, Any]:
    """A picture that was taken."""
    answer = await send(person, product, content or picture(), **fields)
    assert answer.status == 202, answer.text
    found: dict[str, Any] = answer.json()["image"]
    return found


async def images(person: Person, product: str) -> list[dict[str, Any]]:
    """All of a product's pictures, as those see them who run its farm."""
    found: list[dict[str, Any]] = (await person.get(f"/api/products/{product}/images")).json()["items"]
    return found


async def shown(market: Market, product: str) -> list[dict[str, Any]]:
    """Those that anyone sees."""
    found: list[dict[str, Any]] = (await market.stranger.get(f"/api/products/{product}")).json()["images"]
    return found


async def opened(market: Market, address: str) -> Image.Image:
    """A picture at its address."""
    answer = await market.stranger.get(address)
    assert answer.status == 200, answer.text
    return Image.open(BytesIO(answer.body))


def files(market: Market) -> list[str]:
    """The names of all that the store of blobs has, unfinished things included."""
    folder = Path(market.parts.settings.data_dir) / "blobs"
    return sorted(path.name.partition(".")[2] for path in folder.rglob("*") if path.is_file())


ALL = sorted(f"media{size}.{suffix}" for size in ("small", "medium", "large") for suffix in ("webp", "jpg"))

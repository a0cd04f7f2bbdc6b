"""The operations of pictures, each once, as a person of the demo would ask for them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from tests.openapi.steps import FARMER, TOMATOES, Step
from tests.uploading import picture

TOMATO = base64.b64encode(picture(size=(64, 48))).decode()


def _file(ask: Callable[..., Any], known: dict[str, Any]) -> dict[str, Any]:
    """Where the picture is, as its product says."""
    address = known["listImages"]["items"][0]["sizes"]["small"]["webp"]
    _, _, shard, file = address.split("/")
    return {"media": {"shard": shard, "file": file}}


STEPS: tuple[Step, ...] = (
    Step("addImage", FARMER, {"id": TOMATOES}, {"content": TOMATO, "filename": "tomatoes.png", "alt": "A crate of ripe tomatoes."}),
    Step("listImages", FARMER, {"id": TOMATOES}, there=lambda answer: answer["items"][0]["status"] == "ready"),
    Step("getMedia", parameters={"shard": "{media.shard}", "file": "{media.file}"}, prepare=_file),
    Step("changeImage", FARMER, {"id": TOMATOES, "image_id": "{addImage.image.id}"}, {"alt": "Ripe tomatoes in a crate.", "position": 0}),
    Step("deleteImage", FARMER, {"id": TOMATOES, "image_id": "{addImage.image.id}"}),
)  # fmt: skip

"""Pictures of products, drawn by code: the same for the same title, in each size and format, as a worker makes them of what people send."""

from __future__ import annotations

import io
from random import Random
from typing import TYPE_CHECKING, Any

from harvestd.process.picture_answers import Answer, Made
from harvestd.process.product_pictures import SIZES

if TYPE_CHECKING:  # it takes 5 MB of a process, and only those who draw need it
    from PIL import Image

#: The colour of the ground and of what lies on it, by a word that the title or the category has.
COLORS = {
    "tomato": ("#f3e6d2", "#c8402f"), "carrot": ("#efe7d6", "#dd7a26"), "apple": ("#e9efdc", "#b8392f"), "berr": ("#efe3ea", "#7d2f5a"),
    "egg": ("#dfe6ea", "#c99a6b"), "honey": ("#f6ead0", "#d79a27"), "chees": ("#eae2d0", "#e3bd5a"), "potato": ("#e7e0d3", "#b58d5a"),
    "bread": ("#efe6da", "#a9713a"), "milk": ("#dce7ee", "#f7f5ef"), "flower": ("#e7efe2", "#b3599a"), "": ("#eef1e6", "#5f8f43"),
}  # fmt: skip
_WEBP: dict[str, Any] = {"quality": 80, "method": 1}
_JPEG: dict[str, Any] = {"quality": 82}


def drawn(title: str) -> Answer:
    """Some round things on a plain ground. Takes a tenth of a second of a core."""
    from PIL import Image, ImageDraw

    ground, thing = next(colors for word, colors in COLORS.items() if word in title.lower())
    side = max(SIZES.values())
    image = Image.new("RGB", (side, side * 3 // 4), ground)
    draw, brush = Random(title), ImageDraw.Draw(image)
    for _ in range(draw.randrange(5, 12)):
        radius = draw.randrange(side // 16, side // 6)
        x, y = draw.randrange(radius, side - radius), draw.randrange(radius, image.height - radius // 2)
        brush.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_shade(thing, draw.uniform(0.75, 1.1)))
        shine = radius // 4
        brush.ellipse((x - radius // 2, y - radius // 2, x - radius // 2 + shine, y - radius // 2 + shine), fill=ground)
    files = [one for name, most in sorted(SIZES.items(), key=lambda size: size[1]) for one in _files(image, name, most)]
    return Answer(files=files, kind="png", width=image.width, height=image.height, color=ground)


def _shade(color: str, share: float) -> tuple[int, ...]:
    return tuple(min(255, int(int(color[at : at + 2], 16) * share)) for at in (1, 3, 5))


def _files(image: Image.Image, name: str, side: int) -> list[Made]:
    one = image.resize((side, side * 3 // 4))
    found = []
    for suffix, kind, media_type, options in (
        ("webp", "WEBP", "image/webp", _WEBP),
        ("jpg", "JPEG", "image/jpeg", _JPEG),
    ):
        file = io.BytesIO()
        one.save(file, kind, **options)
        content = file.getvalue()
        found.append(Made(f"{name}.{suffix}", media_type, len(content), one.width, one.height, content))
    return found

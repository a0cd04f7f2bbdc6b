"""Three sizes of a picture by Pillow: ``pillow.py HOW [FILE…]``; HOW is ``usual``, ``effort`` or ``draft``. Without files, one on standard input. Prints how
many bytes came of each."""

from __future__ import annotations

import io
import sys
from typing import Any

from PIL import Image, ImageCms, ImageOps

SIDES = (1600, 800, 320)
#: Pillow's own effort, and that of harvestd's worker.
WEBP: dict[str, Any] = {"quality": 80}
LESS: dict[str, Any] = {"quality": 80, "method": 0}
JPEG: dict[str, Any] = {"quality": 82}
Image.MAX_IMAGE_PIXELS = 200_000_000
_SRGB = ImageCms.createProfile("sRGB")


def plain(image: Image.Image) -> Image.Image:
    """In sRGB with 8 bits, with or without alpha."""
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "CMYK", "L"):
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, given, _SRGB, outputMode="RGB")
        assert converted is not None
        image = converted
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        return image.convert("RGBA")
    return image.convert("RGB")


def flat(image: Image.Image) -> Image.Image:
    """On white."""
    if image.mode != "RGBA":
        return image
    ground = Image.new("RGB", image.size, (255, 255, 255))
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def saved(image: Image.Image, webp: dict[str, Any]) -> list[bytes]:
    """Both formats."""
    found = []
    for one, kind, options in ((image, "WEBP", webp), (flat(image), "JPEG", JPEG)):
        file = io.BytesIO()
        one.save(file, kind, **options)
        found.append(file.getvalue())
    return found


def usual(file: Any, webp: dict[str, Any] = WEBP) -> list[bytes]:
    """As it is mostly written."""
    image = plain(ImageOps.exif_transpose(Image.open(file)))
    found = []
    for side in SIDES:
        one = image.copy()
        one.thumbnail((side, side), Image.Resampling.LANCZOS)
        found += saved(one, webp)
    return found


def effort(file: Any) -> list[bytes]:
    """The same, with the effort of harvestd's worker."""
    return usual(file, LESS)


def draft(file: Any) -> list[bytes]:
    """Decoded in a smaller size where that can be, each size made of the one before, with the effort of harvestd's worker."""
    image = Image.open(file)
    image.draft(None, (SIDES[0] * 5 // 4, SIDES[0] * 5 // 4))
    image.thumbnail((SIDES[0], SIDES[0]), Image.Resampling.LANCZOS)
    image = plain(ImageOps.exif_transpose(image))
    found = []
    for side in SIDES:
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        found += saved(image, LESS)
    return found


def main() -> None:
    """All of them, one after the other."""
    how = {"usual": usual, "effort": effort, "draft": draft}[sys.argv[1]]
    files: list[Any] = sys.argv[2:] or [io.BytesIO(sys.stdin.buffer.read())]
    for file in files:
        print(sum(map(len, how(file))))


if __name__ == "__main__":
    main()

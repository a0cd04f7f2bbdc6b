"""Three sizes of a picture by Pillow: ``pillow.py HOW [FILE…]``; HOW is ``usual`` or ``draft``. Without files, one on standard input. Prints how many
bytes came of each."""

from __future__ import annotations

import io
import sys
from typing import Any

from PIL import Image, ImageCms, ImageOps

SIDES = (1600, 800, 320)
WEBP: dict[str, Any] = {"quality": 80, "method": 1}
JPEG: dict[str, Any] = {"quality": 82, "optimize": True, "progressive": True}
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


def saved(image: Image.Image) -> int:
    """Both formats; how many bytes they have."""
    size = 0
    for one, kind, options in ((image, "WEBP", WEBP), (flat(image), "JPEG", JPEG)):
        file = io.BytesIO()
        one.save(file, kind, **options)
        size += file.tell()
    return size


def usual(file: Any) -> int:
    """As it is mostly written."""
    image = plain(ImageOps.exif_transpose(Image.open(file)))
    size = 0
    for side in SIDES:
        one = image.copy()
        one.thumbnail((side, side), Image.Resampling.LANCZOS)
        size += saved(one)
    return size


def draft(file: Any) -> int:
    """Decoded in a smaller size where that can be, each size made of the one before."""
    image = Image.open(file)
    image.draft(None, (SIDES[0] * 3 // 2, SIDES[0] * 3 // 2))
    image.thumbnail((SIDES[0], SIDES[0]), Image.Resampling.LANCZOS)
    image = plain(ImageOps.exif_transpose(image))
    size = 0
    for side in SIDES:
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        size += saved(image)
    return size


def main() -> None:
    """All of them, one after the other."""
    how = {"usual": usual, "draft": draft}[sys.argv[1]]
    files: list[Any] = sys.argv[2:] or [io.BytesIO(sys.stdin.buffer.read())]
    for file in files:
        print(how(file))


if __name__ == "__main__":
    main()

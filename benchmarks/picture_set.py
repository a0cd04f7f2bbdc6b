"""The pictures that are made in the benchmark of pictures: noise of several sizes over each other, which compresses about as photographs do, from a seed."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import attrs
from PIL import Image, ImageChops, ImageCms

SEED = 20
#: Sides of the noise that is laid over each other, and its share.
OCTAVES = ((12, 1.0), (60, 0.5), (300, 0.25), (1500, 0.12))


@attrs.frozen
class Kind:
    """``what`` it is, in words; ``suffix`` of its file; ``make`` returns its bytes."""

    what: str
    suffix: str
    make: Callable[[], bytes]


def noise(width: int, height: int, draw: Random) -> Image.Image:
    """One band."""
    band = Image.new("L", (width, height), 128)
    for side, share in OCTAVES:
        small = Image.frombytes(
            "L", (side, max(1, side * height // width)), draw.randbytes(side * max(1, side * height // width))
        )
        large = small.resize((width, height), Image.Resampling.BICUBIC)
        band = ImageChops.add(band, large.point(lambda value, share=share: int((value - 128) * share + 128)), 1.0, -128)
    return band


def photograph(width: int, height: int) -> Image.Image:
    """Three bands that have most in common."""
    draw = Random(f"{SEED} {width} {height}")
    light = noise(width, height, draw)
    return Image.merge("RGB", [ImageChops.blend(light, noise(width, height, draw), 0.3) for _ in range(3)])


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _camera() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return _saved(photograph(6000, 4000), "JPEG", quality=92, exif=exif, icc_profile=profile)


def _alpha() -> bytes:
    image = photograph(2400, 1800).convert("RGBA")
    cut = noise(2400, 1800, Random(SEED)).point(lambda value: max(0, min(255, (value - 110) * 8)))
    image.putalpha(cut)  # clear here, solid there, with soft edges
    return _saved(image, "PNG", compress_level=6)


def _sixteen() -> bytes:
    """Three bands of 16 bits, which Pillow reads and does not write."""
    import pyvips  # type: ignore[import-untyped]

    image = photograph(3000, 2000)
    whole = pyvips.Image.new_from_memory(image.tobytes(), image.width, image.height, 3, "uchar")
    deep = (whole.cast("ushort") * 257).cast("ushort").copy(interpretation="rgb16")
    content: bytes = deep.write_to_buffer(".png", compression=6)
    return content


KINDS: dict[str, Kind] = {
    "camera": Kind("a JPEG of 24 million pixels that lies on its side", "jpg", _camera),
    "phone": Kind("a JPEG of 12", "jpg", lambda: _saved(photograph(4032, 3024), "JPEG", quality=85)),
    "web": Kind("a JPEG of 3", "jpg", lambda: _saved(photograph(2000, 1500), "JPEG", quality=80)),
    "alpha": Kind("a PNG of 4.3 with alpha", "png", _alpha),
    "cmyk": Kind("a JPEG of 6 in CMYK", "jpg", lambda: _saved(photograph(3000, 2000).convert("CMYK"), "JPEG", quality=85)),
    "sixteen": Kind("a PNG of 6 with 16 bits", "png", _sixteen),
}  # fmt: skip
#: What the quick form makes.
QUICK = ("phone", "web", "alpha", "cmyk")


def written(folder: Path, kinds: Sequence[str]) -> dict[str, Path]:
    """The files, by kind."""
    found = {}
    for name in kinds:
        path = folder / f"{name}.{KINDS[name].suffix}"
        path.write_bytes(KINDS[name].make())
        found[name] = path
    return found

"""What pictures look like that contestants have made, and how many bytes they have: without that, whoever is faster says little."""

from __future__ import annotations

import io
from collections.abc import Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

from harvestd.process import product_picture_child as ours
from harvestd.process.product_pictures import PIXELS, SIZES

#: Of luma, with the constants of the index of structural similarity (Wang et al., 2004): the window, and what keeps it from dividing by nothing.
WINDOW, FIRST, SECOND = 1.5, 6.5025, 58.5225


@attrs.frozen
class Look:
    """Bytes of all files of all pictures, in MB; and how much the largest WebP and the largest JPEG look like what they are of, of 1, on average."""

    megabytes: float
    webp: float
    jpeg: float

    def __str__(self) -> str:
        return f"{self.megabytes:.2f} MB, {self.webp:.3f} and {self.jpeg:.3f}"


def looks(files: Mapping[str, Path], pillow: Path) -> dict[str, Look]:
    """Ours, and Pillow's with its own effort and with ours. Pictures in CMYK are left out of what they look like: Pillow has no profile for those without."""
    peer = _module(pillow)
    made = {
        "harvestd's worker": [_ours(path.read_bytes()) for path in files.values()],
        "Pillow, written as usual": [_apart(peer.usual(path)) for path in files.values()],
        "Pillow, as usual with the worker's effort": [_apart(peer.effort(path)) for path in files.values()],
    }
    models = [None if kind == "cmyk" else _model(peer, path) for kind, path in files.items()]
    return {name: _look(all_of, models) for name, all_of in made.items()}


def _look(made: list[tuple[list[bytes], list[bytes]]], models: list[Any]) -> Look:
    size = sum(len(one) for both in made for files in both for one in files)
    alike: list[list[float]] = [
        [
            similarity(max(both[at], key=len), model)
            for both, model in zip(made, models, strict=True)
            if model is not None
        ]
        for at in (0, 1)
    ]
    return Look(size / 1e6, *(sum(one) / len(one) for one in alike))


def similarity(content: bytes, model: Any) -> float:
    """The index of structural similarity of a picture and what it is of, on white."""
    import pyvips  # type: ignore[import-untyped]

    a, b = (
        one.flatten(background=255) if one.hasalpha() else one
        for one in (pyvips.Image.new_from_buffer(content, ""), model)
    )
    a, b = (one.colourspace("b-w").cast("float") for one in (a, b))
    mean_a, mean_b = a.gaussblur(WINDOW), b.gaussblur(WINDOW)
    own_a, own_b, both = (
        product.gaussblur(WINDOW) - mean
        for product, mean in ((a * a, mean_a * mean_a), (b * b, mean_b * mean_b), (a * b, mean_a * mean_b))
    )
    over = (mean_a * mean_b * 2 + FIRST) * (both * 2 + SECOND)
    return float((over / ((mean_a * mean_a + mean_b * mean_b + FIRST) * (own_a + own_b + SECOND))).avg())


def _ours(content: bytes) -> tuple[list[bytes], list[bytes]]:
    kind, _, _ = ours.looked(content, PIXELS)
    task = {"sizes": [{"name": name, "side": side} for name, side in SIZES.items()], "watermark": ""}
    return _apart([file for _, file in ours.made(kind, content, task)][:-1])


def _apart(files: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """The files as WebP, and those as JPEG."""
    return files[::2], files[1::2]


def _model(peer: ModuleType, path: Path) -> Any:
    """A picture decoded whole and made smaller once, which no format has touched."""
    import pyvips
    from PIL import Image, ImageOps

    image = peer.plain(ImageOps.exif_transpose(Image.open(io.BytesIO(path.read_bytes()))))
    image.thumbnail((peer.SIDES[0], peer.SIDES[0]), Image.Resampling.LANCZOS)
    whole = pyvips.Image.new_from_memory(image.tobytes(), image.width, image.height, len(image.getbands()), "uchar")
    return whole.copy(interpretation="srgb")


def _module(path: Path) -> ModuleType:
    spec = spec_from_file_location("pillow_peer", path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

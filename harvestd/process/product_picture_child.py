"""The program that looks at one picture of a product, or makes it anew in each size, in a process of its own with limits on memory and
time. Started by its path (``pictures.py``), so it uses nothing of this package but the modules beside it.

Standard input is the file; the argument is JSON, ``{"do": "look" | "make", "pixels": n, "memory": bytes, "seconds": n, "sizes": [{"name", "side"}],
"watermark": path}``. Standard output gets a line of JSON, ``{"width", "height", "color", "files": [{"name", "media_type", "size", "width",
"height"}]}`` and then the bytes of each; or ``{"fault": …}`` as in ``picture_child.py``.

libvips decodes each picture once, in lines where the format allows, and JPEG and WebP in a smaller size at once.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, NoReturn

#: libvips's loader of each format that is taken, and how many times as many pixels it may have: JPEG and PNG are decoded in lines, WebP
#: and AVIF as a whole.
LOADERS = {"JPEG": ("jpegload", 2.0), "PNG": ("pngload", 1.0), "WEBP": ("webpload", 0.5), "AVIF": ("heifload", 0.2)}
#: What comes in several passes is in memory as a whole, too; and what tells it.
INTERLACED, PASSES = 0.3, ("interlaced", "jpeg-multiscan")
#: How many times as wide as the largest size a picture is decoded, at least: it is made smaller once more then, which hides what decoding it smaller does (at 1.25
#: times, 50 dB of what decoding all of it gives).
SPARE = 1.25
#: Where libvips has the profile that came with a picture: without one, to change colours by profiles takes longer than to make the picture.
PROFILE = "icc-profile-data"
#: Where EXIF's orientation is; 1 is upright.
UPRIGHT = "orientation"
#: Degrees of EXIF's orientation from which on a picture lies on its side.
LYING = 5
WHITE = [255, 255, 255]
#: Media type and options of each format; ``keep`` none leaves out EXIF, position, profile and comments. A WebP of effort 0 takes a quarter of the time of 4, has
#: 9 % more bytes, and looks the same. JPEG is for those few who do not show WebP: one that is optimised takes three times as long, and in passes five times, for 2 %
#: and 8 % fewer bytes.
FORMATS = {
    "webp": ("image/webp", ".webp", {"Q": 80, "effort": 0, "keep": "none"}),
    "jpg": ("image/jpeg", ".jpg", {"Q": 82, "keep": "none"}),
}
#: libvips's operations that nearly every picture needs.
OPERATIONS = (
    "jpegload_source",
    "pngload_source",
    "webpload_source",
    "thumbnail_image",
    "resize",
    "premultiply",
    "unpremultiply",
    "colourspace",
    "cast",
    "autorot",
    "flatten",
    "webpsave_buffer",
    "jpegsave_buffer",
)
#: Of the picture's shorter side: the watermark's, and its distance from the corner.
MARK, MARGIN = 0.15, 0.03


def _beside() -> Any:
    spec = spec_from_file_location("picture_child", Path(__file__).with_name("picture_child.py"))
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


child = _beside()
formats = child.formats
Fault: type[Exception] = formats.Fault


def looked(content: bytes, pixels: int) -> tuple[str, int, int]:
    """The format of a picture, and its width and height once it is upright; nothing is decoded. Raises ``Fault``."""
    kind = formats.kind_of(content)
    if kind not in LOADERS:
        raise Fault("kind")
    formats.check_pieces(kind, content)
    name, share = LOADERS[kind]
    if kind == "WEBP":
        formats.check_size(formats.webp_size(content), int(pixels * share))
    head = _loaded(name, content)
    fields = head.get_fields()
    share *= INTERLACED if any(one in fields and head.get(one) for one in PASSES) else 1.0
    formats.check_size((head.width, head.height), int(pixels * share))
    lying = UPRIGHT in fields and head.get(UPRIGHT) >= LYING
    return kind, *((head.height, head.width) if lying else (head.width, head.height))


def largest(kind: str, content: bytes, side: int) -> Any:
    """The picture decoded once, upright, in 8 bits of sRGB with or without alpha, fitting into a square of ``side`` and never enlarged; with alpha, the
    colours are multiplied by it, as all that makes it smaller needs them. Raises ``pyvips.Error`` for one that is not whole."""
    whole = _opened(kind, content, side)
    if whole.interpretation == "cmyk":
        image = smaller(whole, side).icc_transform("srgb", embedded=True, input_profile="cmyk")
    elif whole.hasalpha():
        image = smaller(_plain(whole).premultiply().cast("uchar"), side)
    else:
        profile = {"export_profile": "srgb"} if PROFILE in whole.get_fields() else {}
        image = whole.thumbnail_image(side, height=side, size="down", no_rotate=True, **profile)
        image = image if image.interpretation == "srgb" else image.colourspace("srgb")
    image = image.cast("uchar").copy_memory()
    return image.autorot().copy_memory() if UPRIGHT in image.get_fields() and image.get(UPRIGHT) > 1 else image


def _plain(whole: Any) -> Any:
    """One with alpha, in 8 bits of sRGB."""
    image = whole.icc_transform("srgb", embedded=True) if PROFILE in whole.get_fields() else whole
    return image if image.interpretation == "srgb" else image.colourspace("srgb")


def smaller(image: Any, side: int) -> Any:
    """The picture within a square of ``side``, as it is if it fits."""
    scale = side / max(image.width, image.height)
    if scale >= 1:
        return image
    return image.resize(max(scale, 1 / image.width), vscale=max(scale, 1 / image.height))


def _opened(kind: str, content: bytes, side: int) -> Any:
    """The picture, to be read in lines; of those that can be decoded in a smaller size, in one that is large enough."""
    loader = LOADERS[kind][0]
    head = _loaded(loader, content)
    times = max(1.0, max(head.width, head.height) / (SPARE * side))
    less = {"JPEG": {"shrink": 1 << min(3, int(times).bit_length() - 1)}, "WEBP": {"scale": 1 / times}}.get(kind, {})
    return _loaded(loader, content, fail_on="truncated", **less)


def _loaded(loader: str, content: bytes, **how: Any) -> Any:
    """To be read in lines, from the bytes where they are: of a buffer there would be a copy each time."""
    import pyvips  # type: ignore[import-untyped]

    return getattr(pyvips.Image, f"{loader}_source")(pyvips.Source.new_from_memory(content), access="sequential", **how)


def color_of(image: Any) -> str:
    """The commonest colour of a picture on white, of those that look alike the mean, as ``#rrggbb``."""
    small = smaller(image, 48)
    data = small.write_to_memory()
    points = [tuple(data[at : at + 3]) for at in range(0, len(data), 3)]
    kind = Counter((r >> 5, g >> 5, b >> 5) for r, g, b in points).most_common(1)[0][0]
    alike = [(r, g, b) for r, g, b in points if (r >> 5, g >> 5, b >> 5) == kind]
    return "#" + "".join(f"{round(sum(band) / len(alike)):02x}" for band in zip(*alike, strict=True))


def _flat(image: Any) -> Any:
    return image.flatten(background=WHITE) if image.hasalpha() else image


def marked(image: Any, path: str) -> Any:
    """The picture with the watermark in its lower right corner. Raises ``Fault`` if it cannot be read."""
    import pyvips

    side = min(image.width, image.height)
    try:
        mark = pyvips.Image.thumbnail(path, max(1, int(side * 2 * MARK)), height=max(1, int(side * MARK))).copy_memory()
    except pyvips.Error as error:
        raise Fault("watermark") from error
    at = [max(0, length - own - int(side * MARGIN)) for length, own in ((image.width, mark.width), (image.height, mark.height))]  # fmt: skip
    whole = image.composite2(mark, "over", x=at[0], y=at[1]).cast("uchar")
    return whole if image.hasalpha() else _flat(whole)


def made(kind: str, content: bytes, task: dict[str, Any]) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Each size in each format, the smallest first, each made of the next larger one; and at last the colour, with no content."""
    sizes = sorted(task["sizes"], key=lambda one: one["side"])
    images: list[Any] = [largest(kind, content, sizes[-1]["side"])]
    for size in sizes[-2::-1]:
        images.insert(0, smaller(images[0], size["side"]).copy_memory())
    color = ""
    for size, scaled in zip(sizes, images, strict=True):
        image = scaled.unpremultiply().cast("uchar") if scaled.hasalpha() else scaled
        if task["watermark"] and size is not sizes[0]:
            image = marked(image, task["watermark"])
        image = image.copy_memory()
        shown = _flat(image)
        color = color or color_of(shown)
        for suffix, (media_type, saver, options) in FORMATS.items():
            file = (shown if suffix == "jpg" else image).write_to_buffer(saver, **options)
            told = {"name": f"{size['name']}.{suffix}", "media_type": media_type, "size": len(file)}
            yield {**told, "width": image.width, "height": image.height}, file
    yield {"color": color}, b""


def answered(read: Callable[[], bytes], task: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    """The line and the contents that a task is answered with."""
    try:
        content = read()
        kind, width, height = looked(content, task["pixels"])
        files = list(made(kind, content, task)) if task["do"] == "make" else [({"color": ""}, b"")]
    except Fault as fault:
        return {"fault": str(fault), "most": getattr(fault, "most", 0)}, []
    except Exception as error:  # whatever a decoder raises is about the file
        return {"fault": "damaged", "why": f"{type(error).__name__}: {error}"[:200]}, []
    told, contents = [one for one, _ in files[:-1]], [one for _, one in files[:-1]]
    return {"kind": kind.lower(), "width": width, "height": height, **files[-1][0], "files": told}, contents


def ready() -> None:
    """Import what each picture needs, and read what the operations of libvips take; none is run, since a thread would not be forked."""
    import pyvips

    for name in OPERATIONS:
        pyvips.Introspect.get(name)


def work(given: str | bytes) -> NoReturn:
    """Do a task, and end."""
    task = json.loads(given)
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: it goes with whoever began it
    child.limited(task["memory"], task["seconds"])

    def read() -> bytes:
        with open(0, "rb", closefd=False) as file:
            file.seek(0)
            content: bytes = file.read()
            return content

    line, contents = answered(read, task)
    out = sys.stdout.buffer
    out.write(json.dumps(line).encode() + b"\n" + b"".join(contents))
    out.flush()
    os._exit(0)


if __name__ == "__main__":
    work(sys.argv[1])

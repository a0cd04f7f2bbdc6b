"""The program that decodes one picture, in a process of its own with limits on memory and time: what a stranger sent may be made to break
a decoder. Started by its path (``pictures.py``), so it uses nothing of this package but the module beside it.

Standard input is the file; the argument is JSON, ``{"pixels": n, "memory": bytes, "seconds": n, "wanted": [{"name", "width", "height", "cut"}]}``. Standard output gets a
line of JSON, ``{"files": [{"name", "media_type", "size", "width", "height"}]}`` and then the bytes of each; or ``{"fault": …}``: ``kind`` (no
picture that is taken), ``pixels`` (more than ``most``), ``damaged``.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.util import module_from_spec, spec_from_file_location
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

#: How many times as many pixels a format may have: JPEG is decoded in a smaller size, WebP in several copies.
SHARES = {"JPEG": 2.0, "WEBP": 0.5}
WHITE = (255, 255, 255)
QUALITY = {"webp": ("WEBP", "image/webp", {"quality": 80, "method": 4}), "jpg": ("JPEG", "image/jpeg", {"quality": 85, "optimize": True})}  # fmt: skip


def beside(name: str) -> Any:
    """The module of this name in this folder; the package that it is part of is not imported."""
    spec = spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if TYPE_CHECKING:
    from harvestd.process import picture_formats as formats
else:
    formats = beside("picture_formats")


def limited(memory: int, seconds: int) -> None:
    """Take the limits: memory, time of the processor, no files written, no dump."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))  # SIGXCPU first, which tells why; then SIGKILL
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    with suppress(OSError):  # a sandbox may not permit it
        os.nice(5)


def decoded(content: bytes, pixels: int, side: int) -> Any:
    """The picture, upright, in sRGB, in mode RGB or RGBA; of an animation the first. ``side`` is the least that is needed of it."""
    from PIL import Image, ImageOps

    kind = formats.kind_of(content)
    formats.check_pieces(kind, content)
    most = int(pixels * SHARES.get(kind, 1.0))
    if kind == "WEBP":
        formats.check_size(formats.webp_size(content), most)
    Image.MAX_IMAGE_PIXELS = None  # ours is what bounds it
    image: Any = Image.open(BytesIO(content), formats=(kind,))
    formats.check_size(image.size, most)
    if kind == "JPEG":
        image.draft("RGB", (2 * side, 2 * side))
    image.load()
    profile, exif = image.info.get("icc_profile"), image.getexif()
    image = _reduced(_plain(image), side)
    image.info["exif"] = exif.tobytes()
    return _standard(ImageOps.exif_transpose(image), profile)


def _reduced(image: Any, side: int) -> Any:
    """A large picture, made smaller before it is copied any further."""
    factor = min(image.size) // (2 * side)
    return image.reduce(factor) if factor > 1 else image


def _plain(image: Any) -> Any:
    if image.mode.startswith(("I", "F")):  # 16 bits and more of grey
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    clear = image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info
    return image.convert("RGBA" if clear else "RGB")


def _standard(image: Any, profile: bytes | None) -> Any:
    """In sRGB: without its profile, a picture would be shown in other colours."""
    if not profile:
        return image
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=image.mode)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image  # a profile that is damaged, or not of this mode


def made(image: Any, wanted: dict[str, Any]) -> list[tuple[dict[str, Any], bytes]]:
    """The picture in one size, cut to its shape, in each format; nothing of its metadata is taken over."""
    from PIL import Image, ImageOps

    size = (wanted["width"], wanted["height"])
    if wanted["cut"]:
        small = ImageOps.fit(image, size, Image.Resampling.LANCZOS)
    else:
        small = image.copy()
        small.thumbnail(size, Image.Resampling.LANCZOS)
    found = []
    for suffix, (kind, media_type, options) in QUALITY.items():
        shown = _on_white(small) if kind == "JPEG" and small.mode == "RGBA" else small
        clean = Image.frombytes(shown.mode, shown.size, shown.tobytes())
        file = BytesIO()
        clean.save(file, kind, **options)
        content = file.getvalue()
        told = {"name": f"{wanted['name']}.{suffix}", "media_type": media_type, "size": len(content)}
        found.append(({**told, "width": small.width, "height": small.height}, content))
    return found


def _on_white(image: Any) -> Any:
    from PIL import Image

    whole = Image.new("RGB", image.size, WHITE)
    whole.paste(image, mask=image.getchannel("A"))
    return whole


def answered(read: Callable[[], bytes], task: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    """The line and the contents that a task is answered with."""
    wanted = task["wanted"]
    try:
        image = decoded(read(), task["pixels"], max(max(one["width"], one["height"]) for one in wanted))
        files = [file for one in wanted for file in made(image, one)]
    except formats.Fault as fault:
        return {"fault": str(fault), "most": fault.most}, []
    except Exception as error:  # whatever a decoder raises is about the file
        return {"fault": "damaged", "why": f"{type(error).__name__}: {error}"[:200]}, []
    return {"files": [told for told, _ in files]}, [content for _, content in files]


def main() -> None:
    """Do the task of the argument."""
    task = json.loads(sys.argv[1])
    limited(task["memory"], task["seconds"])

    def read() -> bytes:
        with open(0, "rb", closefd=False) as file:
            file.seek(0)
            return file.read()

    line, contents = answered(read, task)
    out = sys.stdout.buffer
    out.write(json.dumps(line).encode() + b"\n" + b"".join(contents))
    out.flush()
    os._exit(0)


if __name__ == "__main__":
    main()

"""The program that decodes one picture, in a process of its own with limits on memory and time: what a stranger sent may be made to break
a decoder. Started by its path (``pictures.py``), so it uses nothing of this package.

Standard input is the file; the argument is JSON, ``{"pixels": n, "memory": bytes, "seconds": n, "wanted": [{"name", "width", "height", "cut"}]}``. Standard output gets a
line of JSON, ``{"files": [{"name", "media_type", "size", "width", "height"}]}`` and then the bytes of each; or ``{"fault": …}``: ``kind`` (no
picture that is taken), ``pixels`` (more than ``most``), ``damaged``.
"""

from __future__ import annotations

import json
import os
import re
import resource
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BytesIO
from typing import Any

#: Bytes that a file begins with, after so many others, by Pillow's name of the format.
SIGNS = (
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (8, b"WEBP", "WEBP"),
    (0, b"GIF87a", "GIF"),
    (0, b"GIF89a", "GIF"),
    (4, b"ftypavif", "AVIF"),
)
#: What is in a file that is a page, a program or an archive, too (a polyglot).
MARKUP = re.compile(rb"<(?i:!doctype|html|script|svg[ :>]|iframe|\?php)")
#: Of these, where they count: PDF readers look for the beginning here, archives have their directory at the end.
PDF_WITHIN, ARCHIVE_WITHIN = 1024, 65_557
#: How many times as many pixels a format may have: JPEG is decoded in a smaller size, WebP in several copies.
SHARES = {"JPEG": 2.0, "WEBP": 0.5}
#: Pieces that a file may be made of: decoders keep a list of them, and look through all for each. Of a PNG those with the picture itself are more.
PIECES, OF_PICTURE = 1_000, 32_768
_PICTURE = frozenset({b"IDAT", b"fdAT", b"fcTL"})
#: The next marker of a JPEG file, which is none of those that stand within its data.
MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
WHITE = (255, 255, 255)
QUALITY = {"webp": ("WEBP", "image/webp", {"quality": 80, "method": 4}), "jpg": ("JPEG", "image/jpeg", {"quality": 85, "optimize": True})}  # fmt: skip


class Fault(Exception):
    """The file is refused; the text is the fault's name. ``most`` is how many pixels it may have."""

    def __init__(self, name: str, most: int = 0) -> None:
        super().__init__(name)
        self.most = most


def limited(memory: int, seconds: int) -> None:
    """Take the limits: memory, time of the processor, no files written, no dump."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))  # SIGXCPU first, which tells why; then SIGKILL
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    with suppress(OSError):  # a sandbox may not permit it
        os.nice(5)


def kind_of(content: bytes) -> str:
    """The format of a picture, by its content alone. Raises :class:`Fault` for anything else, and for what is something else, too."""
    kind = next((name for at, sign, name in SIGNS if content[at : at + len(sign)] == sign), "")
    archive = b"PK\x05\x06" in content[-ARCHIVE_WITHIN:]
    if not kind or archive or b"%PDF-" in content[:PDF_WITHIN] or MARKUP.search(content):
        raise Fault("kind")
    return kind


def pieces(kind: str, content: bytes) -> Iterator[bytes]:
    """The names of the chunks, segments, boxes or blocks that a picture is made of, as far as they can be told apart."""
    return _PIECES[kind](content)


def _chunks(content: bytes) -> Iterator[bytes]:
    at = 8
    while at + 8 <= len(content):
        yield content[at + 4 : at + 8]
        at += 12 + int.from_bytes(content[at : at + 4], "big")


def _segments(content: bytes) -> Iterator[bytes]:
    at = 2
    while (found := MARKER.search(content, at)) is not None and found[0] != b"\xff\xd9":
        yield found[0]
        alone = found[0] in (b"\xff\x01", b"\xff\xd8")
        at = found.end() + (0 if alone else int.from_bytes(content[found.end() : found.end() + 2], "big"))


def _riff(content: bytes) -> Iterator[bytes]:
    at = 12
    while at + 8 <= len(content):
        yield content[at : at + 4]
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        at += 8 + length + length % 2


def _boxes(content: bytes) -> Iterator[bytes]:
    at = 0
    while at + 8 <= len(content):
        yield content[at + 4 : at + 8]
        length = int.from_bytes(content[at : at + 4], "big")
        if length == 1:
            length = int.from_bytes(content[at + 8 : at + 16], "big")
        at = at + length if length >= 8 else len(content)


def _blocks(content: bytes) -> Iterator[bytes]:
    """Of a GIF, up to its first picture."""
    at = 13 + (3 << (content[10] & 7) + 1 if len(content) > 10 and content[10] & 0x80 else 0)
    while content[at : at + 1] == b"!":
        at += 2
        while length := content[at] if at < len(content) else 0:
            yield b"block"
            at += 1 + length
        yield b"end"
        at += 1


_PIECES = {"PNG": _chunks, "JPEG": _segments, "WEBP": _riff, "AVIF": _boxes, "GIF": _blocks}


def check_pieces(kind: str, content: bytes) -> None:
    """Raise :class:`Fault` for a file of more pieces than any camera or program makes one of."""
    left = {False: PIECES, True: OF_PICTURE}
    for name in pieces(kind, content):
        left[name in _PICTURE] -= 1
        if min(left.values()) < 0:
            raise Fault("damaged")


def webp_size(content: bytes) -> tuple[int, int]:
    """Width and height of a WebP file: its decoder reserves memory for them before it tells them."""
    chunk = content[12:16]
    if chunk == b"VP8X":
        return 1 + int.from_bytes(content[24:27], "little"), 1 + int.from_bytes(content[27:30], "little")
    if chunk == b"VP8L":
        bits = int.from_bytes(content[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if chunk == b"VP8 " and content[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", content[26:30])
        return width & 0x3FFF, height & 0x3FFF
    raise Fault("damaged")


def decoded(content: bytes, pixels: int, side: int) -> Any:
    """The picture, upright, in sRGB, in mode RGB or RGBA; of an animation the first. ``side`` is the least that is needed of it."""
    from PIL import Image, ImageOps

    kind = kind_of(content)
    check_pieces(kind, content)
    most = int(pixels * SHARES.get(kind, 1.0))
    if kind == "WEBP":
        _bounded(webp_size(content), most)
    Image.MAX_IMAGE_PIXELS = None  # ours is what bounds it
    image: Any = Image.open(BytesIO(content), formats=(kind,))
    _bounded(image.size, most)
    if kind == "JPEG":
        image.draft("RGB", (2 * side, 2 * side))
    image.load()
    profile, exif = image.info.get("icc_profile"), image.getexif()
    image = _reduced(_plain(image), side)
    image.info["exif"] = exif.tobytes()
    return _standard(ImageOps.exif_transpose(image), profile)


def _bounded(size: tuple[int, int], most: int) -> None:
    width, height = size
    if width * height > most:
        raise Fault("pixels", most)
    if width < 1 or height < 1:
        raise Fault("damaged")


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
    except Fault as fault:
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

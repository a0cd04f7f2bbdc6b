"""What people upload, for tests: pictures, and the bodies that carry them."""

from __future__ import annotations

import struct
import zlib
from functools import cache
from io import BytesIO
from typing import Any

from PIL import Image

BOUNDARY = "----aBoundary7MA4YWxkTrZu0gW"


def picture(kind: str = "PNG", size: tuple[int, int] = (300, 200), **options: Any) -> bytes:
    """A picture: red, with a blue left upper quarter."""
    image = Image.new("RGB", size, (200, 20, 20))
    image.paste((20, 20, 200), (0, 0, size[0] // 2, size[1] // 2))
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@cache
def bomb(width: int = 20_000, height: int = 20_000) -> bytes:
    """A PNG of some 50 KB that takes ``width * height`` bytes and more once it is decoded."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    squeezer = zlib.compressobj(9)
    lines = b"".join(squeezer.compress(bytes(1 + width // 8)) for _ in range(height)) + squeezer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")


def part(name: str, content: bytes, *headers: str, filename: str | None = None, boundary: str = BOUNDARY) -> bytes:
    """One part of a form."""
    file = "" if filename is None else f'; filename="{filename}"'
    lines = [f"--{boundary}", f'Content-Disposition: form-data; name="{name}"{file}', *headers, "", ""]
    return "\r\n".join(lines).encode() + content + b"\r\n"


def form(content: bytes, filename: str = "me.png", /, **fields: str) -> tuple[bytes, dict[str, str]]:
    """A form with a file and texts: its body and headers."""
    parts = [part(name, text.encode()) for name, text in fields.items()]
    return whole(*parts, part("file", content, "Content-Type: image/png", filename=filename))


def whole(*parts: bytes, boundary: str = BOUNDARY) -> tuple[bytes, dict[str, str]]:
    """Parts with their end, and the headers of such a body."""
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), {
        "Content-Type": f"multipart/form-data; boundary={boundary}"
    }

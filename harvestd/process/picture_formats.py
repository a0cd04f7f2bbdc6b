"""What a file of a picture is, told by its bytes alone, before a decoder sees any of it: its format, and how many pieces and pixels it has. Loaded by
its path by the programs that decode (``picture_child.py``), so it uses nothing of this package.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

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
#: Pieces that a file may be made of: decoders keep a list of them, and look through all for each. Of a PNG those with the picture itself are more.
PIECES, OF_PICTURE = 1_000, 32_768
_PICTURE = frozenset({b"IDAT", b"fdAT", b"fcTL"})
#: The next marker of a JPEG file, which is none of those that stand within its data.
MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")


class Fault(Exception):
    """The file is refused; the text is the fault's name. ``most`` is how many pixels it may have."""

    def __init__(self, name: str, most: int = 0) -> None:
        super().__init__(name)
        self.most = most


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


def check_size(size: tuple[int, int], most: int) -> None:
    """Raise :class:`Fault` for a picture of more than ``most`` pixels, or none."""
    width, height = size
    if width * height > most:
        raise Fault("pixels", most)
    if width < 1 or height < 1:
        raise Fault("damaged")

"""What the programs that read pictures answer: a line of JSON, then the bytes of each file that it names."""

from __future__ import annotations

import msgspec
from twisted.logger import Logger

from harvestd.process.picture_process import NoPicture

log = Logger()


class Made(msgspec.Struct, frozen=True):
    """A picture that was made: ``name`` is that of its size with the format's suffix (``small.webp``)."""

    name: str
    media_type: str
    size: int
    width: int
    height: int
    content: bytes = b""


class Answer(msgspec.Struct, frozen=True):
    """The line, with the contents of its files. Of a product's picture also its format, its ``width`` and ``height`` once it is upright, and
    its colour (``#rrggbb``)."""

    files: list[Made] = []
    fault: str = ""
    why: str = ""
    most: int = 0
    kind: str = ""
    width: int = 0
    height: int = 0
    color: str = ""


def read(answer: bytes) -> Answer:
    """What a program has answered. Raises :class:`NoPicture` for a picture that it refuses, ``ValueError`` for what makes no sense."""
    head, _, rest = answer.partition(b"\n")
    line = msgspec.json.decode(head, type=Answer)
    if line.fault:
        log.info("a picture was refused: {fault} {why}", fault=line.fault, why=line.why)
        raise NoPicture(line.fault, line.most)
    found, at = [], 0
    for one in line.files:
        found.append(msgspec.structs.replace(one, content=rest[at : at + one.size]))
        at += one.size
    if at != len(rest) or not (found or line.kind):
        raise ValueError("the child's answer has not as many bytes as it says")
    return msgspec.structs.replace(line, files=found)

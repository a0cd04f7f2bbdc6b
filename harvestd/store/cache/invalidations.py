"""How one process tells the others what it dropped. Nobody believes a message: at worst it makes entries load anew."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import msgspec

CHANNEL = "cache:dropped"
#: Bytes of a message, under what a topic carries.
MESSAGE_LIMIT = 7_000
#: Longer or unprintable names go by their digest, so that each fits a message and costs little to keep.
NAME_LIMIT = 120


class Drop(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The message: ``by`` is who dropped (and need not hear it again), ``families`` what; none is everything. ``missed``
    says that the level that processes share could not be reached: whoever reaches it, drop it there."""

    by: str
    families: list[str]
    missed: bool = False


_decoder = msgspec.json.Decoder(Drop)


def family_name(name: str) -> str:
    """``name``, or its digest where it is too long or strange to be sent."""
    if len(name) <= NAME_LIMIT and name.isprintable():
        return name
    return "sha256:" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def family_names(names: Sequence[str]) -> Sequence[str]:
    """Each as :func:`family_name` has it; of many that are short and plain, as nearly all are, at once."""
    if "".join(names).isprintable() and max(map(len, names), default=0) <= NAME_LIMIT:
        return names
    return [family_name(name) for name in names]


def written(by: str, families: Sequence[str], missed: bool = False) -> Iterator[str]:
    """The drop as messages of at most ``MESSAGE_LIMIT`` bytes of UTF-8."""
    part: list[str] = []
    length = 0
    for name in map(family_name, families):
        size = len(msgspec.json.encode(name)) + 3  # its comma, and its quotes quoted once more on the way
        if part and length + size > MESSAGE_LIMIT - 100:
            yield _message(by, part, missed)
            part, length = [], 0
        part.append(name)
        length += size
    if part or not families:
        yield _message(by, part, missed)


def _message(by: str, families: list[str], missed: bool) -> str:
    return msgspec.json.encode(Drop(by, families, missed)).decode()


def read(payload: str) -> Drop | None:
    """The message, or None for anything else."""
    try:
        return _decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None

"""Cache invalidation messages between processes. They are not trusted: at worst a message causes reloads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import msgspec

CHANNEL = "cache:dropped"
#: Maximum bytes of a message, below the limit of a topic.
MESSAGE_LIMIT = 7_000
#: Longer or unprintable names are replaced by their digest, so that each fits a message and costs little to keep.
NAME_LIMIT = 120


class Drop(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The message: ``by`` is the process that dropped (and need not hear it again), ``families`` the names; none is
    everything. ``missed`` says that the shared level could not be reached: a process that reaches it drops them
    there."""

    by: str
    families: list[str]
    missed: bool = False


_decoder = msgspec.json.Decoder(Drop)


def family_name(name: str) -> str:
    """``name``, or its digest if it is too long or unprintable."""
    if len(name) <= NAME_LIMIT and name.isprintable():
        return name
    return "sha256:" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def family_names(names: Sequence[str]) -> Sequence[str]:
    """Each as by :func:`family_name`; a sequence of only short and plain names, by far the usual case, in one check."""
    if "".join(names).isprintable() and max(map(len, names), default=0) <= NAME_LIMIT:
        return names
    return [family_name(name) for name in names]


def written(by: str, families: Sequence[str], missed: bool = False) -> Iterator[str]:
    """The drop as messages of at most ``MESSAGE_LIMIT`` bytes of UTF-8."""
    part: list[str] = []
    length = 0
    for name in map(family_name, families):
        size = len(msgspec.json.encode(name)) + 3  # plus its comma, and its quotes, which are escaped once more
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

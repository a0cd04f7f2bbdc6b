"""What an accelerator may hand back instead of what was put there: torn, forged, swapped and replayed, drawn by a seeded chance.

Each function yields (what it is, the forgery). Those that are true somewhere else or were true once are the test's to add.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

from tests.hostile.odd_values import at, places, replaced

#: In place of any text of bytes.
ODD_BYTES: dict[str, bytes] = {
    "nothing": b"", "a blank": b" ", "NUL": b"\x00", "no UTF-8": b"\xff\xfe", "zero": b"0", "less than nothing": b"-1", "one": b"1",
    "not a number": b"nan", "infinity": b"inf", "beyond every number": b"9" * 400, "a huge exponent": b"1e999", "null": b"null",
    "an empty object": b"{}", "deep lists": b"[" * 100_000, "other digits": "\u0661\u0662".encode(), "a line feed": b"\r\n", "a format": b"%s%n{0}",
    "a megabyte": b"x" * 1_000_000,
}  # fmt: skip
#: In place of any member of a JSON value.
ODD_MEMBERS: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 2**80, -1.5, 1e308, "", "other", "\u0661", "\x00", "x" * 70_000, [], {}, [[[[]]]], [{"a": 1}], {"a": {"b": []}},
)  # fmt: skip


def spoilt(whole: bytes, chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """Bytes with something lost, changed or added; and none of them at all."""
    size = len(whole)
    if size:
        end = chance.randrange(size)
        yield f"torn after {end}", whole[:end]
        yield f"without the first {end}", whole[end:]
        place, bit = chance.randrange(size), 1 << chance.randrange(8)
        yield f"bit {bit} of byte {place} turned", whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :]
        yield "with a byte more", whole + chance.randbytes(1)
        yield f"byte {place} doubled", whole[:place] + whole[place : place + 1] + whole[place:]
        yield "as many bytes of chance", chance.randbytes(size)
    yield "some bytes of chance", chance.randbytes(chance.randrange(1, 200))
    yield from ODD_BYTES.items()


def altered(value: Any, chance: random.Random, most: int) -> Iterator[tuple[str, Any]]:
    """A JSON value with one of its parts, at any depth, left out, in another's place, or odd; up to ``most`` of them."""
    every = list(places(value))
    for _ in range(most):
        place = chance.choice(every)
        match chance.randrange(4):
            case 0:
                yield f"without {place}", without(value, place)
            case 1:
                other = chance.choice(every)
                yield f"{place} is {other}", replaced(value, place, at(value, other))
            case 2:
                yield f"{place} in a list", replaced(value, place, [at(value, place)])
            case _:
                odd = chance.choice(ODD_MEMBERS)
                yield f"{place} is {str(odd)[:40]!r}", replaced(value, place, odd)


def without(value: Any, place: tuple[Any, ...]) -> Any:
    """A copy of a JSON value that lacks what is at ``place``."""
    *above, last = place
    inside = at(value, tuple(above))
    left = (
        {name: one for name, one in inside.items() if name != last}
        if isinstance(inside, dict)
        else [one for number, one in enumerate(inside) if number != last]
    )
    return replaced(value, tuple(above), left)


def drawn(forgeries: Sequence[tuple[str, Any]], chance: random.Random, most: int) -> list[tuple[str, Any]]:
    """Up to ``most`` of them."""
    return chance.sample(list(forgeries), min(most, len(forgeries)))


def encoded(value: Any) -> bytes:
    """As JSON."""
    return json.dumps(value).encode()

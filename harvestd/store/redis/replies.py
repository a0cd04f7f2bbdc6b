"""Parses Redis's replies, with one reader per kind. Anybody who can write to Redis chooses the value of a key, and a
broken server any reply; a malformed one becomes None, which is a miss, and never an exception."""

from __future__ import annotations

import re
from typing import Any

import attrs

#: A family's token: its creation time in ms, and something random. The script has the same rule.
TOKEN = re.compile(rb"[0-9]{13}[0-9a-f]{16}")
_EPOCH = re.compile(rb"[0-9a-f]{16}")
_RUN = re.compile(rb"(?m)^run_id:([0-9a-f]{40})\r?$")
#: Limit of times in microseconds, which is in the far future: computations with them stay valid times.
_LATEST = 10**16
#: Maximum bytes of one person's sign-ins.
_MAX_SIGN_INS = 8_000


@attrs.frozen
class Answer:
    """The stored response, or None; its TTL in ms; the time; the tokens of its families."""

    held: bytes | None
    left: int
    now: int
    tokens: list[bytes]

    @property
    def youngest(self) -> int:
        """When the youngest token was made, in ms."""
        return max(int(token[:13]) for token in self.tokens)


@attrs.frozen
class SignIns:
    """The present epoch, whether a lease was left, the time, and the stored sign-ins, unparsed."""

    epoch: str
    leased: bool
    now: int
    known: bytes


def answer(reply: Any, tokens: int) -> Answer | None:
    """From the cache's READ script, for that many tokens."""
    if not isinstance(reply, list) or len(reply) != 3 + tokens or not tokens:
        return None
    held, left, now, *given = reply
    if not (held is None or isinstance(held, bytes)) or not _number(left) or not _time(now):
        return None
    if not all(isinstance(token, bytes) and TOKEN.fullmatch(token) for token in given):
        return None
    return Answer(held if left > 0 else None, left, now, given)


def sign_ins(reply: Any) -> SignIns | None:
    """From the sign-ins' READ script."""
    if not isinstance(reply, list) or len(reply) != 4:
        return None
    epoch, leased, now, known = reply
    if not isinstance(epoch, bytes) or not _EPOCH.fullmatch(epoch) or leased not in (0, 1) or not _time(now):
        return None
    if not isinstance(known, bytes) or len(known) > _MAX_SIGN_INS:
        known = b""
    return SignIns(epoch.decode("ascii"), leased == 1, now, known)


def usage(reply: Any, most: int) -> tuple[bool, int, int] | None:
    """From the limiter's script: whether it is allowed, the amount used and the step, in microseconds; ``most`` is the
    whole of the limit."""
    if not isinstance(reply, list) or len(reply) != 3 or not all(_number(part) for part in reply):
        return None
    allowed, used, step = reply
    if allowed not in (0, 1) or not 0 < step <= most or not 0 <= used <= most:
        return None
    return allowed == 1, used, step


def run_id(reply: Any) -> str:
    """From INFO: the run id of the server; empty where it has none."""
    found = _RUN.search(reply) if isinstance(reply, bytes) else None
    return found[1].decode("ascii") if found else ""


def _number(value: Any) -> bool:
    return type(value) is int


def _time(value: Any) -> bool:
    return type(value) is int and 0 < value < _LATEST

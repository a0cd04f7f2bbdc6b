"""What this market's messages say is found once for all queues of a process, and nothing is taken for ours that is not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from harvestd.queue.envelope import Envelope, encode
from harvestd.queue.opened import LONGEST, MAX, Opened
from harvestd.queue.seals import EventSeals
from harvestd.tables import TOPOLOGY

SECRET = "a secret of at least forty-eight characters, for HS384"
ID = "0197f0a0-0000-7000-8000-000000000001"


def message(number: int = 1, secret: str = SECRET, reason: str = "") -> bytes:
    data = {"user_id": ID, "role": "buyer", "email": "a@example.org", "name": reason or "Ada"}
    event = Envelope(
        f"0197f0a0-0000-7000-8000-{number:012d}",
        "account.registered",
        datetime(2026, 5, 9, tzinfo=UTC),
        1,
        f"user:{ID}",
        data,
    )
    return EventSeals(secret).sealed(encode(event))


def test_the_same_bytes_are_opened_once() -> None:
    opened = Opened(TOPOLOGY, SECRET)
    first = opened.open(message())
    assert first is not None and first.fault == "" and first.event.data["user_id"] == ID
    assert opened.open(bytes(bytearray(message()))) is first


@pytest.mark.parametrize(
    "change", [lambda body: body.replace(b"buyer", b"admin"), lambda body: body + b" ", lambda body: body[:-40] + b"}"]
)
def test_what_differs_in_a_byte_is_not_known_by_it(change: object) -> None:
    opened = Opened(TOPOLOGY, SECRET)
    assert opened.open(message()) is not None
    assert opened.open(change(message())) is None  # type: ignore[operator]


def test_another_market_s_are_none_of_ours_however_often_they_come() -> None:
    opened, strange = Opened(TOPOLOGY, SECRET), message(secret="another secret of at least forty-eight characters")
    assert [opened.open(strange) for _ in range(3)] == [None] * 3


def test_no_more_are_kept_than_the_last() -> None:
    opened = Opened(TOPOLOGY, SECRET)
    first = opened.open(message(0))
    for number in range(1, MAX):
        opened.open(message(number))
    assert opened.open(message(0)) is first
    opened.open(message(MAX))
    assert opened.open(message(0)) is not first
    assert len(opened._known) == MAX


def test_a_long_one_is_opened_and_not_kept() -> None:
    opened = Opened(TOPOLOGY, SECRET)
    body = message(reason="a" * LONGEST)
    first = opened.open(body)
    assert first is not None and opened.open(body) is not first

"""Keyset cursors: opaque text that comes back whole, and garbage that is refused by name."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvestd.kernel.cursors import decode, encode
from harvestd.kernel.errors import Invalid

ID = "0197f0a0-7c1e-7abc-8def-0123456789ab"


def test_a_key_comes_back_as_it_was() -> None:
    key = (1250, Decimal("1.250"), "Leek é", datetime(2026, 5, 1, 8, tzinfo=UTC), None, True, ID)
    types = (int, Decimal, str, datetime, int | None, bool, UUID)
    assert decode(encode("price", *key), "price", *types) == key


@given(
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=50),
    st.integers(-(2**63), 2**63 - 1),
)
def test_any_text_and_number_comes_back_url_safe(text: str, number: int) -> None:
    cursor = encode("s", text, number)
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert decode(cursor, "s", str, int) == (text, number)


def raw(*parts: Any) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(list(parts))).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "", "x", "====", "not a cursor", "é", "\x00", "A" * 5000, raw(), raw("price"), raw("price", 1, 2), raw("newest", 1),
        raw("price", "1"), raw("price", None), raw("price", 2**63), raw("price", 1.5), raw("price", [1]),
        encode("price", 1) + "AAAA", base64.urlsafe_b64encode(b"\xdd\xff\xff\xff\xff").decode(),
        base64.urlsafe_b64encode(b"\x91" * 700).decode(),
    ],
)  # fmt: skip
def test_what_is_no_cursor_of_this_list_is_refused_by_name(cursor: str) -> None:
    with pytest.raises(Invalid) as caught:
        decode(cursor, "price", int)
    assert [error.field for error in caught.value.errors] == ["after"]


@pytest.mark.parametrize(
    "value, kind",
    [
        ("a\x00b", str),
        ("NaN", Decimal),
        ("Infinity", Decimal),
        ("2026-05-01T08:00:00", datetime),
        ("nobody", UUID),
        (float("nan"), float),
    ],
)
def test_values_that_no_row_has_are_refused(value: Any, kind: Any) -> None:
    with pytest.raises(Invalid):
        decode(raw("s", value), "s", kind)


@pytest.mark.parametrize("mark", ["!", " ", "\n", "é", "="])
def test_a_cursor_with_a_character_of_no_cursor_in_it_is_none(mark: str) -> None:
    whole = encode("s", 1, "one")
    assert decode(whole, "s", int, str) == (1, "one")
    for times in (1, 4):  # four keep the length of its groups
        with pytest.raises(Invalid):
            decode(whole[:4] + mark * times + whole[4:], "s", int, str)


@given(st.text(max_size=200))
def test_garbage_never_crashes(cursor: str) -> None:
    with pytest.raises(Invalid):
        decode(cursor, "no sort has this name", int)


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_never_crash(packed: bytes) -> None:
    with pytest.raises(Invalid):
        decode(base64.urlsafe_b64encode(packed).decode(), "no sort has this name", str)

"""Telephone numbers."""

from __future__ import annotations

import pytest

from harvestd.kernel.phones import phone


@pytest.mark.parametrize(
    ("text", "number"),
    [("+43 664 123-45.67", "+436641234567"), ("0664/1234567", "06641234567"), ("(0664) 12345", "066412345"), ("12345", "12345")],
)  # fmt: skip
def test_a_number_has_one_form(text: str, number: str) -> None:
    assert phone("phone", text) == number


@pytest.mark.parametrize(
    "text", ["", "1234", "1" * 16, "+43 664 x", "٠٦٦٤١٢٣٤٥", "０６６４１２３", "12345\n", "\t12345", "+", "++12345", "1+2345", "1 " * 50]
)  # fmt: skip
def test_what_is_no_number_is_refused(text: str) -> None:
    fault = phone("phone", text)
    assert not isinstance(fault, str) and (fault.field, fault.code) == ("phone", "not-a-phone-number")

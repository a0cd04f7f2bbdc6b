"""Telephone numbers."""

from __future__ import annotations

import pytest

from harvestd.kernel.phones import phone


@pytest.mark.parametrize(
    ("text", "number"),
    [("+43 664 123-45.67", "+436641234567"), ("0664/1234567", "06641234567"), ("(0664) 12345", "066412345"), ("12345", "12345"),
     ("+49 (0)171 / 123-45", "+4917112345"), ("+44 (0)20 7946 0958", "+442079460958"), ("+44(0)20 79460958", "+442079460958"),
     ("+43-(0)-664 1234567", "+436641234567"), ("+49 (0171) 12345", "+4917112345"), ("0049 (0)171 12345", "004917112345"), ("00 49 (0) 171 12345", "004917112345"),
     ("+352 (0)12345", "+35212345"), ("+39 (0)6 1234567", "+39061234567"), ("+378 (0)549 123456", "+3780549123456"), ("+49 171 (0)12345", "+49171012345"), ("(0)171 12345", "017112345"),
     ("+49 0171 12345", "+49017112345"), ("+49 (171) 12345", "+4917112345")],
)  # fmt: skip
def test_a_number_has_one_form(text: str, number: str) -> None:
    assert phone("phone", text) == number


@pytest.mark.parametrize(
    "text", ["", "1234", "1" * 16, "+43 664 x", "٠٦٦٤١٢٣٤٥", "０６６４１２３", "12345\n", "\t12345", "+", "++12345", "1+2345", "1 " * 50]
)  # fmt: skip
def test_what_is_no_number_is_refused(text: str) -> None:
    fault = phone("phone", text)
    assert not isinstance(fault, str) and (fault.field, fault.code) == ("phone", "not-a-phone-number")

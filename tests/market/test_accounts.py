"""What an account must be."""

from __future__ import annotations

from typing import Any

import pytest

from harvestd.market.accounts import NewAccount, email_key, is_email, register
from harvestd.market.errors import Invalid

COMMON = frozenset({"passwordpassword", "correct horse battery staple"})
GOOD: dict[str, Any] = {
    "email": "Ada@Example.org", "username": "ada", "password": "a long walk to market", "name": "Ada", "role": "buyer",
    "farm_name": None,
}  # fmt: skip


def registration(**changes: Any) -> NewAccount:
    return register(**(GOOD | changes), least=12, common=COMMON)


def test_names_and_addresses_are_compared_without_regard_to_case() -> None:
    account = registration(username="Ada.F")
    assert (account.email, account.email_key, account.username_key) == ("Ada@Example.org", "ada@example.org", "ada.f")
    assert email_key(" ADA@example.org ") == account.email_key


@pytest.mark.parametrize("email", ["", "ada", "ada@", "@b", "a b@c.org", "a@b@c", "a@b..c", "a@-b.org", "a\n@b.org", "x" * 65 + "@b.org"])  # fmt: skip
def test_what_is_no_address_is_refused(email: str) -> None:
    assert not is_email(email)
    with pytest.raises(Invalid) as refused:
        registration(email=email)
    assert [e.field for e in refused.value.errors] == ["email"]


@pytest.mark.parametrize("email", ["a@b", "ada+market@example.co.uk", "ädä@bücher.example", "a.b-c_d@x-y.org"])
def test_addresses_that_people_have_are_taken(email: str) -> None:
    assert is_email(email)


@pytest.mark.parametrize("password", ["short", "x" * 11, "PasswordPassword", "aaaaaaaaaaaaaa", "ababababababab", "ada@example.org", "x" * 1025])  # fmt: skip
def test_short_common_and_personal_passwords_are_refused(password: str) -> None:
    with pytest.raises(Invalid) as refused:
        registration(password=password)
    assert [e.field for e in refused.value.errors] == ["password"]


@pytest.mark.parametrize(
    "password", ["x1" * 20 + "é" * 40, "nur kleine buchstaben", "пароль на двенадцать", "🥕🥬🍅🥔🌽🧅🧄🍠🌶🫑🥒🍆"]
)
def test_long_ones_of_any_characters_are_taken_without_rules_of_composition(password: str) -> None:
    assert registration(password=password)


def test_a_farmer_names_the_farm_and_a_buyer_does_not() -> None:
    assert registration(role="farmer", farm_name=" Green Acres ").farm_name == "Green Acres"
    for role, farm_name in (("farmer", None), ("farmer", "  "), ("buyer", "Green Acres")):
        with pytest.raises(Invalid) as refused:
            registration(role=role, farm_name=farm_name)
        assert [e.field for e in refused.value.errors] == ["farm_name"]


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        registration(email="x", username="-", password="y", name=" ")
    assert [e.field for e in refused.value.errors] == ["email", "username", "name", "password"]

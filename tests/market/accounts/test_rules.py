"""What an account must be."""

from __future__ import annotations

import time
from typing import Any

import pytest

from harvestd.kernel import email_addresses
from harvestd.kernel.email_addresses import is_email
from harvestd.kernel.errors import Invalid
from harvestd.market.accounts import passwords
from harvestd.market.accounts.password_rules import fault
from harvestd.market.accounts.rules import NewAccount, faults, register

COMMON = frozenset({"passwordpassword", "correct horse battery staple"})
GOOD: dict[str, Any] = {
    "email": "Ada@Example.org", "username": "ada", "password": "a long walk to market", "name": "Ada", "role": "buyer",
    "farm_name": None,
}  # fmt: skip


def registration(**changes: Any) -> NewAccount:
    return register(**(GOOD | changes), least=12, common=COMMON)


def test_of_fields_that_could_be_read_each_fault_is_told_and_nothing_else() -> None:
    assert faults(GOOD, 12, COMMON) == []
    given = {"username": "a b", "password": "short", "role": "farmer"}
    assert sorted(fault.field for fault in faults(given, 12, COMMON)) == ["farm_name", "password", "username"]


def test_names_and_addresses_are_compared_without_regard_to_case() -> None:
    account = registration(username="Ada.F")
    assert (account.email, account.email_key, account.username_key) == ("Ada@example.org", "ada@example.org", "ada.f")
    assert email_addresses.key(" ADA@example.org ") == account.email_key


@pytest.mark.parametrize("email", ["", "ada", "ada@", "@b", "a b@c.org", "a@b@c", "a@b..c", "a@-b.org", "a\n@b.org", "x" * 65 + "@b.org"])  # fmt: skip
def test_what_is_no_address_is_refused(email: str) -> None:
    assert not is_email(email)
    with pytest.raises(Invalid) as refused:
        registration(email=email)
    assert [e.field for e in refused.value.errors] == ["email"]


@pytest.mark.parametrize("email", ["a@b", "ada+market@example.co.uk", "ada@bücher.example", "a.b-c_d@x-y.org"])
def test_addresses_that_people_have_are_taken(email: str) -> None:
    assert is_email(email)


@pytest.mark.parametrize("password", ["short", "x" * 11, "PasswordPassword", "aaaaaaaaaaaaaa", "ababababababab", "ada@example.org", "x" * 1025])  # fmt: skip
def test_short_common_and_personal_passwords_are_refused(password: str) -> None:
    with pytest.raises(Invalid) as refused:
        registration(password=password)
    assert [e.field for e in refused.value.errors] == ["password"]


@pytest.mark.parametrize(
    "password",
    [
        "password12345", "P@ssw0rd12345", "passw0rd!!!!!", "12345password", "Dragon20261231", "$unshine1234", "pa55word2026",
        "qwertyqwerty", "letmeinletmein", "abcdefghijkl", "123456789012", "210987654321", "a1a1a1a1a1a1", "qwertyuiop12",
        "adalovelace1", "Lovelace2026!!", "4d4-L0velace", "riversidemarket1", "Riverside-2026", "greenacres1234", "example.org2026",
    ],
)  # fmt: skip
def test_nearly_common_ones_and_those_of_the_persons_or_the_markets_words_are_refused(password: str) -> None:
    mine = {"email": "ada.l@green-acres.example.org", "username": "ada", "name": "Ada Lovelace"}
    with pytest.raises(Invalid) as refused:
        register(
            **(GOOD | mine | {"password": password}), least=12, common=passwords.common(), market="Riverside market"
        )
    assert [(e.field, e.code) for e in refused.value.errors] == [("password", "common-password")]


@pytest.mark.parametrize(
    "password", ["correct horse battery", "zx7Kq9!mWp2vT", "8392017482635", "ada likes growing leeks", "tomatoes and rain", "purple7lantern"]
)  # fmt: skip
def test_a_few_words_or_what_nobody_would_try_is_taken(password: str) -> None:
    assert register(**(GOOD | {"password": password}), least=12, common=passwords.common(), market="Riverside market")


def test_a_password_is_judged_in_little_time_however_it_and_the_names_are_made() -> None:
    for password in (
        "ab" * 511 + "c",
        "a" * 1023 + "b",
        ("a" * 100 + "b") * 10,
        "a1" * 500 + "zz",
        "x" * 500 + "y" * 524,
    ):
        began = time.process_time()
        fault(password, 12, passwords.common(), ("a b c " * 100_000, "aaa " * 50_000))
        assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    "password", ["x1" * 20 + "é" * 40, "nur kleine buchstaben", "пароль на двенадцать", "🥕🥬🍅🥔🌽🧅🧄🍠🌶🫑🥒🍆"]
)
def test_long_ones_of_any_characters_are_taken_without_rules_of_composition(password: str) -> None:
    assert registration(password=password)


def test_a_password_is_bounded_as_it_is_compared_and_not_as_it_is_typed() -> None:
    """U+FDFA stands for eighteen characters."""
    with pytest.raises(Invalid) as refused:
        registration(password="\ufdfa" * 60)
    assert [(e.field, e.code) for e in refused.value.errors] == [("password", "too-long")]
    assert registration(password="\ufdfa" + " a long walk to market").username == "ada"


@pytest.mark.parametrize("username", ["\x1fabcd1\x1f", "abc\n", "\tabc", "\u2028abc", "abc\x85"])
def test_no_control_character_is_trimmed_off_a_username(username: str) -> None:
    with pytest.raises(Invalid) as refused:
        registration(username=username)
    assert [e.field for e in refused.value.errors] == ["username"]


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


@pytest.mark.parametrize(
    "username", ["admın", "ſam", "\u212aate", "İvan", "ada\n", "ａda", "a", "-ada", "ada.", "a" * 41, "ad a", "ада"]
)
def test_a_username_is_of_ascii_alone(username: str) -> None:
    with pytest.raises(Invalid) as refused:
        registration(username=username if username.strip() == username else f"x{username}x")
    assert [e.field for e in refused.value.errors] == ["username"]


@pytest.mark.parametrize("name", [" ", "\u200b", "\u3164", "\u2800"])
def test_a_person_and_a_farm_have_names_that_can_be_seen(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        registration(name=name, role="farmer", farm_name=name)
    assert [(e.field, e.code) for e in refused.value.errors] == [("name", "not-visible"), ("farm_name", "not-visible")]


def test_names_are_stored_composed_and_trimmed() -> None:
    account = registration(name=" Rene\u0301 ", role="farmer", farm_name="Cha\u0302teau\u00a0 Vert ")
    assert (account.name, account.farm_name) == ("René", "Château Vert")

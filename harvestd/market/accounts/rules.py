"""Accounts: validation of address, name and password."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any, Literal

import attrs

from harvestd.kernel import email_addresses
from harvestd.kernel.email_addresses import EmailAddress
from harvestd.kernel.errors import FieldError
from harvestd.kernel.events import Event
from harvestd.kernel.names import accept, clean_name
from harvestd.kernel.patterns import USERNAME
from harvestd.market.accounts import password_rules as passwords

MAX_NAME = 200
MIN_USERNAME, MAX_USERNAME = 3, 40  # as in the pattern
USERNAME_RULE = (
    f"must be {MIN_USERNAME} to {MAX_USERNAME} letters of A to Z, digits, dots, hyphens or underscores, beginning and ending "
    "with a letter or digit"
)


@attrs.frozen
class NewAccount:
    """An acceptable registration, not yet stored; ``language`` is the one that the person wants to be written to in, None for the market's first."""

    email: str
    email_key: str
    username: str
    username_key: str
    name: str
    role: str
    farm_name: str | None
    language: str | None = None


def register(
    *, email: str, username: str, password: str, name: str, role: Literal["buyer", "farmer"], farm_name: str | None,
    least: int, common: Container[str], market: str = "", language: str | None = None,
) -> NewAccount:  # fmt: skip
    """Check a registration; raises :class:`Invalid` with every field that is wrong. ``market`` is the market's name."""
    given = {
        "email": email, "username": username, "password": password, "name": name, "role": role, "farm_name": farm_name
    }  # fmt: skip
    found = _checked(given)
    wrong = _together(given, least, common, market)
    accept(*found.values(), *wrong, message="the registration cannot be accepted")
    address, login, person, farm = (found.get(field) for field in ("email", "username", "name", "farm_name"))
    assert isinstance(address, EmailAddress) and isinstance(login, str) and isinstance(person, str)
    assert farm is None or isinstance(farm, str)
    return NewAccount(address.shown, address.key, login, login.lower(), person, role, farm, language)


def faults(given: Mapping[str, Any], least: int, common: Container[str], market: str = "") -> list[FieldError]:
    """The faults that :func:`register` would find in the given fields of a registration."""
    found = [*_checked(given).values(), *_together(given, least, common, market)]
    return [fault for fault in found if isinstance(fault, FieldError)]


def _checked(given: Mapping[str, Any]) -> dict[str, EmailAddress | str | FieldError]:
    """Each independent field, normalised, or its fault."""
    return {
        field: check(field, given[field])
        for field, check in _CHECKS.items()
        if given.get(field) or field in _NEEDED & given.keys()
    }


def _together(given: Mapping[str, Any], least: int, common: Container[str], market: str) -> Iterator[FieldError]:
    """Faults of fields that depend on others."""
    role, farm_name = given.get("role"), given.get("farm_name")
    if role == "farmer" and not farm_name:
        yield FieldError(
            "farm_name", "is needed to register a farmer", code="required", params={"reason": "for-farmers"}
        )
    if role == "buyer" and farm_name:
        yield FieldError(
            "farm_name",
            "is for farmers; leave it out or register as a farmer",
            code="not-accepted",
            params={"reason": "for-farmers"},
        )
    if "password" in given:
        own = (
            given.get("email", "").strip(),
            given.get("username", "").strip(),
            given.get("name", ""),
            farm_name or "",
            market,
        )
        fault = passwords.fault(given["password"], least, common, own)
        if fault is not None:
            yield fault


def _username(field: str, text: str) -> str | FieldError:
    found = text.strip(" ")
    if USERNAME.fullmatch(found):
        return found
    return FieldError(field, USERNAME_RULE, code="not-a-username")


def _name(field: str, text: str) -> str | FieldError:
    return clean_name(field, text, MAX_NAME)


_CHECKS: dict[str, Callable[[str, str], EmailAddress | str | FieldError]] = {
    "email": email_addresses.checked, "username": _username, "name": _name, "farm_name": _name,
}  # fmt: skip
_NEEDED = frozenset({"email", "username", "name"})


def registered(user_id: str, role: str, email: str, name: str) -> Event:
    """A new account."""
    return Event(
        "account.registered", f"user:{user_id}", 1, {"user_id": user_id, "role": role, "email": email, "name": name}
    )

"""Who buys: an account, for which somebody of the market's staff may order, or a guest, who has none. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from harvestd.kernel import email_addresses
from harvestd.kernel.email_addresses import EmailAddress
from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import accept, clean_name
from harvestd.kernel.phones import phone
from harvestd.market.accounts.rules import MAX_NAME


@attrs.frozen(kw_only=True)
class Guest:
    """Somebody without an account: what they say of themselves, and the language in which they are written to."""

    name: str
    email: str
    phone: str | None
    language: str


@attrs.frozen(kw_only=True)
class Buyer:
    """Whose order it is: the account's with the id ``user_id``, or a ``guest``'s; ``placed_by`` is who has placed it for somebody else."""

    user_id: str | None
    guest: Guest | None = None
    placed_by: str | None = None

    @property
    def actor_id(self) -> str | None:
        """The account that places it."""
        return self.placed_by or self.user_id

    @property
    def actor(self) -> str:
        """In which capacity it is placed."""
        return "buyer" if self.placed_by is None else "admin"


def guest_faults(given: Mapping[str, Any]) -> list[FieldError]:
    """The faults of what could be read of a guest in a body."""
    return [fault for fault in _checked(given).values() if isinstance(fault, FieldError)]


def guest(given: Mapping[str, Any], language: str) -> Guest:
    """The guest of a body; raises :class:`Invalid`."""
    found = _checked(given)
    accept(*found.values())
    name, address, number = found["name"], found["email"], found.get("phone")
    assert (
        isinstance(name, str)
        and isinstance(address, EmailAddress)
        and not isinstance(number, FieldError | EmailAddress)
    )
    return Guest(name=name, email=address.shown, phone=number, language=language)


def _checked(given: Mapping[str, Any]) -> dict[str, EmailAddress | str | FieldError]:
    """Each field, normalised, or its fault."""
    found: dict[str, EmailAddress | str | FieldError] = {}
    if "name" in given:
        found["name"] = clean_name("guest.name", given["name"], MAX_NAME)
    if "email" in given:
        found["email"] = email_addresses.checked("guest.email", given["email"])
    if given.get("phone"):
        found["phone"] = phone("guest.phone", given["phone"])
    return found

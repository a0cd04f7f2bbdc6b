"""The profile that a user edits: name and telephone number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import UNSET

from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import accept, clean_name
from harvestd.kernel.phones import phone
from harvestd.market.accounts import profile_rows as store
from harvestd.market.accounts.routes import me
from harvestd.market.accounts.rules import MAX_NAME
from harvestd.market.accounts.shapes import ChangeProfile, User
from harvestd.web.context import RequestContext


def faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields of a profile, independent of the others."""
    return [fault for fault in _checked(given).values() if isinstance(fault, FieldError)]


def _checked(given: Mapping[str, Any]) -> dict[str, str | FieldError]:
    return {name: check(name, given[name]) for name, check in _CHECKS.items() if isinstance(given.get(name), str)}


_CHECKS: dict[str, Callable[[str, str], str | FieldError]] = {
    "name": lambda field, text: clean_name(field, text, MAX_NAME), "phone": phone,
}  # fmt: skip


async def change(request: RequestContext, body: ChangeProfile) -> User:
    """Change the caller's name or telephone number."""
    found = _checked({"name": body.name, "phone": body.phone})
    accept(*found.values())
    name, number = found.get("name"), found.get("phone")
    assert (name is None or isinstance(name, str)) and (number is None or isinstance(number, str))
    await store.change(request.tx, request.user.user_id, name, body.phone is not UNSET, number, request.now)
    return await me(request)

"""The profile that a user edits: name, telephone number and language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import UNSET

from harvestd.kernel.errors import FieldError
from harvestd.kernel.languages import spoken
from harvestd.kernel.names import accept, clean_name
from harvestd.kernel.phones import phone
from harvestd.market.accounts import profile_rows as store
from harvestd.market.accounts.routes import me
from harvestd.market.accounts.rules import MAX_NAME
from harvestd.market.accounts.shapes import ChangeProfile, User
from harvestd.web.context import RequestContext


def faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields of a profile, independent of the others."""
    return [fault for fault in _checked(request, given).values() if isinstance(fault, FieldError)]


def _checked(request: RequestContext, given: Mapping[str, Any]) -> dict[str, str | FieldError]:
    offered = spoken(request.parts.settings.market_languages)
    checks: dict[str, Callable[[str, str], str | FieldError]] = {
        "name": lambda field, text: clean_name(field, text, MAX_NAME),
        "phone": phone,
        "language": lambda field, text: text if text in offered else _not_spoken(field, offered),
    }
    return {name: check(name, given[name]) for name, check in checks.items() if isinstance(given.get(name), str)}


def _not_spoken(field: str, offered: Sequence[str]) -> FieldError:
    possible = ", ".join(offered)
    return FieldError(field, f"must be one of: {possible}", code="not-one-of", params={"allowed": possible})


async def change(request: RequestContext, body: ChangeProfile) -> User:
    """Change the caller's name, telephone number or language."""
    found = _checked(request, {"name": body.name, "phone": body.phone, "language": body.language})
    accept(*found.values())
    name, number, language = (_text(found.get(field)) for field in ("name", "phone", "language"))
    await store.change(
        request.tx, request.user.user_id, request.machine_now, name=name, with_phone=body.phone is not UNSET, phone=number,
        with_language=body.language is not UNSET, language=language,
    )  # fmt: skip
    return await me(request)


def _text(found: str | FieldError | None) -> str | None:
    assert not isinstance(found, FieldError)
    return found

"""Delivery addresses of an account. Their ids are the client's, so that a retry stores nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from harvestd.kernel import readers
from harvestd.kernel.errors import FieldError, Invalid, NotFound
from harvestd.kernel.names import clean_name, clean_text
from harvestd.kernel.phones import phone
from harvestd.market.accounts import address_rows as rows
from harvestd.market.accounts.address_shapes import Address, AddressesQuery, PutAddress
from harvestd.market.accounts.rules import MAX_NAME
from harvestd.web.context import CountedPage, RequestContext
from harvestd.web.paging import Keyset

MAX_ADDRESSES, MAX_LABEL, MAX_ADDRESS, MAX_NOTE = 50, 60, 500, 500


def faults(request: RequestContext, given: Mapping[str, Any]) -> list[FieldError]:
    """Faults in the given fields, independent of the others."""
    return [fault for fault in _checked(given).values() if isinstance(fault, FieldError)]


def _checked(given: Mapping[str, Any]) -> dict[str, str | FieldError]:
    return {name: check(name, given[name]) for name, check in _CHECKS.items() if isinstance(given.get(name), str)}


def _address(field: str, text: str) -> str | FieldError:
    found = clean_text(field, text, MAX_ADDRESS)
    if found == "":
        return FieldError(field, "is needed: street, number, postcode and town", code="required")
    return found


_CHECKS: dict[str, Callable[[str, str], str | FieldError]] = {
    "label": lambda field, text: clean_text(field, text, MAX_LABEL),
    "recipient": lambda field, text: clean_name(field, text, MAX_NAME),
    "address": _address,
    "phone": phone,
    "note": lambda field, text: clean_text(field, text, MAX_NOTE),
}


async def listed(request: RequestContext, query: AddressesQuery) -> CountedPage[Address]:
    """The caller's addresses, oldest first."""
    keyset = Keyset(query, "addresses", (datetime, UUID), lambda row: (row.created_at, row.id))
    found = await rows.listed(request.reader, request.user.user_id, keyset.after, keyset.ask)
    shown, following = keyset.page(found)
    total = await rows.count(request.reader, request.user.user_id) if query.count else None
    return CountedPage([_shown(row) for row in shown], following, total)


async def put(request: RequestContext, body: PutAddress) -> Address:
    """Store an address, or change it."""
    found = _checked({name: getattr(body, name) for name in _CHECKS})
    wrong = [fault for fault in found.values() if isinstance(fault, FieldError)]
    if wrong:
        raise Invalid("the address cannot be stored", tuple(wrong))
    address_id, user_id = readers.id("id", request.path["id"]), request.user.user_id
    if await rows.others(request.tx, user_id, address_id) >= MAX_ADDRESSES:
        message = f"an account keeps {MAX_ADDRESSES} addresses at most; delete one first"
        raise Invalid.of("address", message, "not-accepted", reason="too-many-addresses")
    return _shown(await rows.put(request.tx, user_id, address_id, {"phone": None, **found}, request.machine_now))


def _shown(row: rows.Address) -> Address:
    return Address(
        id=row.id, label=row.label, recipient=row.recipient, address=row.address, phone=row.phone, note=row.note,
        created_at=row.created_at, updated_at=row.updated_at,
    )  # fmt: skip


async def delete(request: RequestContext) -> None:
    """Delete an address."""
    if not await rows.delete(request.tx, request.user.user_id, request.id("id")):
        raise NotFound("you have no such address")

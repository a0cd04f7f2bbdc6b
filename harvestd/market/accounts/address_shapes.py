"""Delivery addresses."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from harvestd.market.accounts.rules import MAX_NAME
from harvestd.web.shapes import CountedQuery, In, Out


class PutAddress(In, kw_only=True, frozen=True):
    """An address, whole."""

    recipient: Annotated[str, Meta(max_length=MAX_NAME)]
    address: Annotated[str, Meta(max_length=500)]
    label: Annotated[str, Meta(max_length=60)] = ""
    phone: Annotated[str, Meta(max_length=50)] | None = None
    note: Annotated[str, Meta(max_length=500)] = ""


class Address(Out, kw_only=True, frozen=True):
    """A delivery address."""

    id: str
    label: str
    recipient: str
    address: str
    phone: str | None
    note: str
    created_at: datetime
    updated_at: datetime


class AddressesQuery(CountedQuery, kw_only=True, frozen=True):
    """A page of addresses."""


WORDS: dict[str, str] = {
    "label": "What its owner calls it, such as home.",
    "recipient": "Who is delivered to.",
    "PutAddress.address": "Street, number, postcode and town, in as many lines as needed.",
    "Address.address": "Street, number, postcode and town, in as many lines as needed.",
    "PutAddress.note": "For whoever delivers.",
    "Address.note": "For whoever delivers.",
}

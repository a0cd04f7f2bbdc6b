"""Fulfilment as an order's body requests it: delivery or pick-up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import clean_text
from harvestd.market.orders.delivery_rules import Way, alone
from harvestd.market.orders.order import MAX_ADDRESS
from harvestd.market.orders.placing_shapes import OrderBody
from harvestd.web import sound


def faults(given: Mapping[str, Any]) -> Iterator[FieldError]:
    """Faults of the fulfilments in an order's body, as far as they could be read, before the farms are known."""
    one, several = sound.members(given, "fulfilment"), sound.elements(given, "fulfilments")
    if one and several:
        yield FieldError(
            "fulfilment",
            "give either fulfilment, for all farms, or fulfilments, with one for each",
            code="given-twice",
            params={"reason": "one-or-each"},
        )
    for path, members in {
        **({"fulfilment": one} if one else {}),
        **{f"fulfilments[{i}]": m for i, m in several.items()},
    }.items():
        address = _address(path, members)
        if isinstance(address, FieldError):
            yield address
        yield from alone(_way(path, members))


def asked(body: OrderBody) -> list[Way]:
    """The fulfilments of a body that has no faults of its own."""
    if body.fulfilments is None:
        return [] if body.fulfilment is None else [_way("fulfilment", msgspec.structs.asdict(body.fulfilment))]
    return [_way(f"fulfilments[{i}]", msgspec.structs.asdict(one)) for i, one in enumerate(body.fulfilments)]


def _way(path: str, members: Mapping[str, Any]) -> Way:
    """Build the fulfilment; a faulty address still counts as given."""
    address = _address(path, members)
    return Way(path=path, **{**members, "address": address if isinstance(address, str) else address.message})


def _address(path: str, members: Mapping[str, Any]) -> str | FieldError:
    return clean_text(f"{path}.address", members.get("address") or "", MAX_ADDRESS)

"""Closed lists of words in the contract, each under the name that generated clients have for it."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from msgspec import Meta

from harvestd.market.messages import KINDS
from harvestd.market.products import Status, Unit

OrderStatus = Literal["placed", "confirmed", "ready", "out_for_delivery", "completed", "cancelled", "expired"]
PartStep = Literal["confirmed", "ready", "out_for_delivery", "completed", "cancelled"]
NotOrderable = Literal["nobody-there"]
Actor = Literal["buyer", "farm", "admin", "clock"]
OrderAction = Literal["cancel"]
FulfilmentMethod = Literal["pickup", "delivery"]
#: Each order of a list, and what comes first in it.
SORTS = {
    "relevance": "what fits the words best",
    "newest": "what was added last",
    "price": "the lowest `price`, whatever quantity it is for",
    "-price": "the highest",
    "popular": "what was sold most",
    "rating": "what buyers think best of",
}
ProductSort = Literal["newest", "price", "-price", "popular", "rating"]
SearchSort = Literal["relevance", "newest", "price", "-price", "popular", "rating"]
SuggestionKind = Literal["product", "farm", "category"]
NewRole = Literal["buyer", "farmer"]
Role = Literal["buyer", "farmer", "admin"]
FarmRole = Literal["owner", "manager", "packer", "driver"]
Condition = Literal["ok", "degraded", "down"]
WarningCode = Literal[
    "price-changed", "unit-changed", "step-changed", "minimum-changed", "unavailable", "not-for-sale", "out-of-season",
    "sold-out", "short", "quantity", "too-many-lines", "too-much", "order-minimum",
]  # fmt: skip
ImageStatus = Literal["processing", "ready", "failed"]
CompareBy = Literal["kg", "litre", "each", "bunch", "box"]

#: In the document an enum is a schema of its own, by its name here.
VOCABULARY: dict[str, tuple[str, ...]] = {
    "OrderStatus": get_args(OrderStatus),
    "PartStep": get_args(PartStep),
    "NotOrderable": get_args(NotOrderable),
    "Actor": get_args(Actor),
    "OrderAction": get_args(OrderAction),
    "FulfilmentMethod": get_args(FulfilmentMethod),
    "ProductSort": get_args(ProductSort),
    "SearchSort": get_args(SearchSort),
    "ProductStatus": get_args(Status),
    "Unit": get_args(Unit),
    "SuggestionKind": get_args(SuggestionKind),
    "NewRole": get_args(NewRole),
    "Role": get_args(Role),
    "FarmRole": get_args(FarmRole),
    "Condition": get_args(Condition),
    "WarningCode": get_args(WarningCode),
    "ImageStatus": get_args(ImageStatus),
    "CompareBy": get_args(CompareBy),
    "NoticeKind": KINDS,
}


def sorts(name: str) -> str:
    """The description of a parameter whose values are those of ``name``."""
    words = ", ".join(f"`{word}` {SORTS[word]}" for word in VOCABULARY[name])
    return f"What comes first: {words}."


def _said(name: str) -> Meta:
    return Meta(extra_json_schema={"enum": list(VOCABULARY[name])})


#: What goes out is text that a row or a rule has; the document says which words it can be.
OrderStatusOut = Annotated[str, _said("OrderStatus")]
NotOrderableOut = Annotated[str, _said("NotOrderable")]
ActorOut = Annotated[str, _said("Actor")]
OrderActionOut = Annotated[str, _said("OrderAction")]
FulfilmentMethodOut = Annotated[str, _said("FulfilmentMethod")]
ProductStatusOut = Annotated[str, _said("ProductStatus")]
UnitOut = Annotated[str, _said("Unit")]
SuggestionKindOut = Annotated[str, _said("SuggestionKind")]
RoleOut = Annotated[str, _said("Role")]
FarmRoleOut = Annotated[str, _said("FarmRole")]
WarningCodeOut = Annotated[str, _said("WarningCode")]
CompareByOut = Annotated[str, _said("CompareBy")]
ImageStatusOut = Annotated[str, _said("ImageStatus")]
NoticeKindOut = Annotated[str, _said("NoticeKind")]

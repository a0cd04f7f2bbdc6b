"""The stock of a product, and its correction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from msgspec import Meta

from harvestd.market.catalogue.stock_level_rules import MAX_REASON
from harvestd.web.shapes import In, Out, Quantity


class ChangeStock(In, kw_only=True, frozen=True):
    """Either ``set``, the new level, or ``change``, the amount to add (negative: remove). The stock of counted goods (each, bunch,
    dozen …) is a whole number."""

    ELSEWHERE: ClassVar[Mapping[str, str]] = {
        "stock": "set-or-change",
        "quantity": "set-or-change",
    }

    set: Quantity | None = None
    change: Quantity | None = None
    reason: Annotated[str, Meta(max_length=MAX_REASON)] = ""


class StockLevel(Out, kw_only=True, frozen=True):
    """A product's stock after a change."""

    product_id: str
    stock: str
    reserved: str
    available: str


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    "change": "The amount to add to the stock; negative removes.",
    "product_id": "Id of the product.",
    "reserved": "What open orders have reserved.",
    "set": "The new stock level.",
}  # fmt: skip

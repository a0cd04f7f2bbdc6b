"""Many products in one request, and what came of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, get_args

from msgspec import UNSET, Meta, UnsetType

from harvestd.market.catalogue.many_actions import Status
from harvestd.market.catalogue.product_body_shapes import WORDS as PRODUCT_WORDS
from harvestd.market.catalogue.product_body_shapes import ChangeProduct, NewProduct
from harvestd.market.catalogue.variant_rules import MAX_VARIANTS
from harvestd.market.catalogue.variant_shapes import VariantIn
from harvestd.web.shapes import FarmId, In, Out, ProductId, Quantity
from harvestd.web.vocabulary import closed

#: Rows of a request.
MAX_ROWS = 1000
OutcomeOut = Annotated[str, closed("RowStatus", get_args(Status), "What came of a row.")]


Packs = Annotated[list[VariantIn], Meta(max_length=MAX_VARIANTS)]


class ProductRow(ChangeProduct, kw_only=True, frozen=True):
    """What a row says of a product; what it leaves out stays as it is. It names its product by ``id``, or by ``external_id``. A new
    product needs ``title``, ``unit``, ``price`` and ``stock``. ``variants`` are all of its pack sizes."""

    ELSEWHERE: ClassVar[Mapping[str, str]] = {"slug": "slug-stays", "farm_id": "beside-rows"}

    id: ProductId | UnsetType = UNSET
    stock: Quantity | UnsetType = UNSET
    variants: Packs | UnsetType = UNSET


class PutProduct(NewProduct, kw_only=True, frozen=True):
    """A whole product, under the farm's own id for it: what is left out returns to its default, but its pack sizes and its pictures, which stay.
    ``variants`` are all of its pack sizes."""

    ELSEWHERE: ClassVar[Mapping[str, str]] = {"slug": "from-title"}

    variants: Packs | UnsetType = UNSET


class BulkProducts(In, kw_only=True, frozen=True):
    """Products of one farm; ``farm_id`` is required of callers with more than one, and of staff."""

    rows: Annotated[list[ProductRow], Meta(max_length=MAX_ROWS)]
    farm_id: FarmId | None = None


class BulkQuery(In, kw_only=True, frozen=True):
    """How rows are written."""

    atomic: bool = False


class RowError(Out, kw_only=True, frozen=True):
    """What is wrong with a row, as the errors of problems say it."""

    field: str
    code: str
    message: str
    params: dict[str, str]


class RowResult(Out, kw_only=True, frozen=True):
    """What came of a row."""

    index: int
    status: OutcomeOut
    id: str | None
    errors: list[RowError]


class BulkResults(Out, kw_only=True, frozen=True):
    """What came of each row, in their order."""

    results: list[RowResult]


#: The meaning of each name here, as the contract describes it.
WORDS: dict[str, str] = {
    **{f"PutProduct.{name}": PRODUCT_WORDS[f"NewProduct.{name}"] for name in ("farm_id", "price_per", "translations")},
    **dict.fromkeys(("ProductRow.variants", "PutProduct.variants"), "All of its pack sizes, in order, as `PUT /api/products/{id}/variants` takes them; left out, they stay."),
    "ProductRow.id": "The product; without it, that of the `external_id`.",
    "ProductRow.stock": "The level to which the stock is set.",
    "rows": "The products, each in one row.",
    "atomic": "Write all rows or, if one is refused, none: 422 with the errors of all.",
    "results": "What came of each row, in their order.",
    "index": "The position of the row, from 0.",
    "RowResult.status": "What came of it.",
    "RowResult.id": "The product; null: there is none.",
    "RowResult.errors": "Why nothing came of it.",
    "RowError.field": "The field, as `rows[17].price`.",
    "RowError.code": "The kind of error, as in problems.",
    "RowError.message": "It in words.",
    "RowError.params": "The values of the message.",
}  # fmt: skip

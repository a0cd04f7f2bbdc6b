"""Rows of many products as they were sent, converted for the rules, each by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import attrs

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.market.catalogue.many_rules import Row
from harvestd.market.catalogue.many_shapes import ProductRow
from harvestd.market.catalogue.sent import faults, read
from harvestd.web import sound
from harvestd.web.shapes import given
from harvestd.web.validation import BODY


def row_of(currency: str, index: int, value: Any, *, by_sku: bool = False, languages: Sequence[str] = ()) -> Row:
    """A row of a JSON value; what is wrong with it is in the row. ``by_sku``: without ``id`` and ``external_id``, it is about the product with its
    ``sku``."""
    try:
        shape: ProductRow = sound.convert(value, ProductRow, partial(_faults, currency, languages))
    except Invalid as refused:
        return Row(index=index, wrong=tuple(_of_the_row(error) for error in refused.errors))
    said = given(shape)
    id, stock = said.pop("id", None), said.pop("stock", None)
    known, unread = read(currency, said, languages)
    packs = known.pop("variants", None)
    wrong = faults(currency, said, languages) if unread else []
    own = None if id is not None else known.get("external_id")
    sku = known.get("sku") if by_sku and id is None and own is None else None
    return Row(index=index, given=known, id=id, external_id=own, sku=sku, stock=stock, packs=packs, wrong=tuple(wrong))


def _faults(currency: str, languages: Sequence[str], sent: Mapping[str, Any]) -> list[FieldError]:
    return faults(currency, sent, languages)


def _of_the_row(error: FieldError) -> FieldError:
    return attrs.evolve(error, field="") if error.field == BODY else error

"""How the fields that a product's farm edits are kept in the columns of its row."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs
import msgspec

from harvestd.kernel.claims import Certification
from harvestd.kernel.seasons import Season
from harvestd.kernel.units import Amount
from harvestd.market.catalogue import group_rules, markdown_rules
from harvestd.market.catalogue.fact_rules import Durability
from harvestd.market.catalogue.markdown_rules import Markdown
from harvestd.market.catalogue.rules import OFFERED, Offer

if TYPE_CHECKING:
    from harvestd.market.catalogue.rows import Product


@attrs.frozen
class Kept:
    """How a field is kept that is not the column of its name as it is: the columns' values of it, and it of a row."""

    written: Callable[[Any], dict[str, Any]]
    read: Callable[[Product], Any]


def _days(season: Season | None) -> dict[str, Any]:
    return {"season_from": season and season.first, "season_to": season and season.last}


def _weight(weight: Amount | None) -> dict[str, Any]:
    return {"estimated_weight": weight and weight.quantity, "weight_unit": weight and weight.unit}


def _until(durability: Durability | None) -> dict[str, Any]:
    return {"durability_kind": durability and durability.kind, "durability_date": durability and durability.date}


def _reduced(row: Product) -> Markdown | None:
    if row.prior_price is None or row.markdown_until is None:
        return None
    return Markdown(row.price, row.prior_price, row.markdown_until, row.markdown_reason or "")


_KEPT: dict[str, Kept] = {
    "season": Kept(_days, lambda row: Season(row.season_from, row.season_to) if row.season_from and row.season_to else None),
    "estimated_weight": Kept(
        _weight, lambda row: Amount(row.estimated_weight, row.weight_unit) if row.estimated_weight and row.weight_unit else None
    ),
    "tags": Kept(lambda tags: {"tags": list(tags)}, lambda row: tuple(row.tags)),
    "allergens": Kept(lambda allergens: {"allergens": list(allergens)}, lambda row: tuple(row.allergens)),
    "durability": Kept(
        _until, lambda row: Durability(row.durability_kind, row.durability_date) if row.durability_kind and row.durability_date else None
    ),
    "certifications": Kept(
        lambda claims: {"certifications": msgspec.json.encode(claims).decode()},
        lambda row: msgspec.convert(row.certifications, tuple[Certification, ...]),
    ),
    "metadata": Kept(lambda notes: {"metadata": msgspec.json.encode(notes).decode()}, lambda row: row.metadata),
    "translations": Kept(lambda texts: {"translations": msgspec.json.encode(texts).decode()}, lambda row: row.translations),
    "visible_to": Kept(lambda groups: {"visible_to": list(groups) or None}, lambda row: tuple(row.visible_to or ())),
    "prices": Kept(lambda prices: {"group_prices": group_rules.stored(prices)}, lambda row: group_rules.of_stored(row.group_prices)),
    "markdown": Kept(markdown_rules.columns, lambda row: _reduced(row)),
}  # fmt: skip
#: The fields of an offer that are a column each, and the columns of all.
_KEPT_AS_IT_IS = tuple(name for name in OFFERED if name not in _KEPT)
COLUMNS = (*_KEPT_AS_IT_IS, *_days(None), *_weight(None), "tags", "allergens", *_until(None), "certifications", "metadata", "translations",
           "visible_to", "group_prices", *markdown_rules.columns(None))  # fmt: skip
#: Those of them whose value is JSON already.
KEPT_AS_JSON = ("certifications", "metadata", "translations", "group_prices")


def columns_of(offer: Offer) -> dict[str, Any]:
    """The values of :data:`COLUMNS`."""
    columns = {name: getattr(offer, name) for name in _KEPT_AS_IT_IS}
    for name, kept in _KEPT.items():
        columns |= kept.written(getattr(offer, name))
    return columns | markdown_rules.columns(offer.markdown, offer.price)


def offer_of(row: Product) -> Offer:
    """The fields of a row that its farm edits."""
    values = {name: getattr(row, name) for name in _KEPT_AS_IT_IS}
    values["price"] = row.price if row.regular_price is None else row.regular_price
    return Offer(**values, **{name: kept.read(row) for name, kept in _KEPT.items()})

"""The columns of products in a spreadsheet: how a cell is read as a field's JSON, and how a field is written into one. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import attrs

from harvestd.kernel.errors import FieldError, Invalid

#: A column whose empty cells say nothing.
ABSENT: Any = object()
_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)?")
#: A point before three digits where commas are decimal, and the converse: a thousand and more, or a fraction?
_THOUSANDS = {",": re.compile(r"[0-9]{1,3},[0-9]{3}"), ";": re.compile(r"[0-9]{1,3}\.[0-9]{3}")}
_DAY = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
#: What a spreadsheet would run as a formula (OWASP, CSV injection), and the apostrophes that keep it from that.
_FORMULA, _KEPT = re.compile(r"'*[=+\-@\t\r]"), re.compile(r"'+[=+\-@\t\r]")


@attrs.frozen(kw_only=True)
class Reading:
    """What cells are read with: decimal places of the market's money, the delimiter of the file, and ids of categories by slug and id."""

    places: int
    delimiter: str = ","
    categories: Mapping[str, str] = attrs.field(factory=dict)


def neutral(text: str) -> str:
    """A cell that no spreadsheet takes for a formula; :func:`plain` takes it back."""
    return f"'{text}" if _FORMULA.match(text) else text


def plain(cell: str) -> str:
    """The text of a cell that :func:`neutral` wrote."""
    return cell[1:] if _KEPT.match(cell) else cell


def joined(values: Sequence[str]) -> str:
    """Several texts in one cell, with ``|`` between them."""
    return "|".join(value.replace("\\", "\\\\").replace("|", "\\|") for value in values)


def split(cell: str) -> list[str]:
    """The texts that :func:`joined` wrote, or that somebody typed."""
    found = [re.sub(r"\\(.)", r"\1", one).strip() for one in re.findall(r"(?:[^|\\]|\\.|\\$)+", cell)]
    return [one for one in found if one]


def number(cell: str, reading: Reading) -> str:
    """A number with a point or a comma; raises :class:`Invalid` for separators of thousands, and what might be one."""
    kind = "," if reading.delimiter == "," else ";"
    if not _NUMBER.fullmatch(cell):
        raise Invalid.of(
            "", "must be a number such as 3.50 or 3,50, without a sign or separators of thousands", "not-a-number"
        )
    if _THOUSANDS[kind].fullmatch(cell):
        raise Invalid.of(
            "", "could be a fraction or thousands; write 1250, or 1.25", "not-a-number", reason="thousands"
        )
    return cell.replace(",", ".")


def _price(cell: str, reading: Reading) -> int:
    minor = Decimal(number(cell, reading)).scaleb(reading.places)
    if minor != minor.to_integral_value():
        raise Invalid.of("", "has more decimals than the money of this market", "not-a-number", reason="decimals")
    return int(minor)


def _day(cell: str, reading: Reading) -> str:
    found = _DAY.fullmatch(cell)
    return f"{found[3]}-{found[2]:0>2}-{found[1]:0>2}" if found else cell


def _category(cell: str, reading: Reading) -> str:
    if cell not in reading.categories:
        raise Invalid.of(
            "", "does not exist; GET /api/categories lists the categories", "not-found", list="GET /api/categories"
        )
    return reading.categories[cell]


def _json(cell: str, reading: Reading) -> Any:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError) as error:
        raise Invalid.of("", "must be JSON, as the export writes it", "wrong-form", reason="json") from error


def _text(cell: str, reading: Reading) -> str:
    return cell


@attrs.frozen
class Column:
    """``path`` is where its value is in a row of JSON. An empty cell is ``empty``; without that, as if there were no such column."""

    path: str
    read: Callable[[str, Reading], Any] = _text
    empty: Any = ABSENT


COLUMNS: dict[str, Column] = {
    "id": Column("id"), "external_id": Column("external_id", empty=None), "sku": Column("sku", empty=""),
    "title": Column("title"), "description": Column("description", empty=""), "category": Column("category_id", _category, None),
    "unit": Column("unit"), "price": Column("price", _price), "price_per": Column("price_per.quantity", number, None),
    "price_per_unit": Column("price_per.unit", empty=None), "sold_by": Column("sold_by", empty=None), "priced_by": Column("priced_by", empty=None),
    "estimated_weight": Column("estimated_weight.quantity", number, None), "estimated_weight_unit": Column("estimated_weight.unit", empty=None),
    "stock": Column("stock", number), "quantity_step": Column("quantity_step", number), "min_quantity": Column("min_quantity", number),
    "season_from": Column("season.from", empty=None), "season_to": Column("season.to", empty=None),
    "harvested_on": Column("harvested_on", _day, None), "tags": Column("tags", lambda cell, reading: split(cell), ()),
    "status": Column("status"), "gtin": Column("gtin", empty=""), "lot": Column("lot", empty=""),
    "allergens": Column("allergens", lambda cell, reading: split(cell), ()), "ingredients": Column("ingredients", empty=""),
    "origin": Column("origin", empty=""), "storage": Column("storage", empty=None), "durability_kind": Column("durability.kind", empty=None),
    "durability_date": Column("durability.date", _day, None), "certifications": Column("certifications", _json, ()),
    "metadata": Column("metadata", _json, {}), "translations": Column("translations", _json, None),
}  # fmt: skip
#: The column of a field that is wrong, where that has another name.
_OF = {
    "category_id": "category",
    "season": "season_from",
    "durability": "durability_kind",
    "price_per": "price_per",
    "estimated_weight": "estimated_weight",
    "price.amount": "price",
}


def value_of(names: Sequence[str], cells: Sequence[str], reading: Reading) -> tuple[dict[str, Any], list[FieldError]]:
    """A row of JSON made of cells, and what is wrong with those that are left out of it."""
    found: dict[str, Any] = {}
    wrong: list[FieldError] = []
    for name, cell in zip(names, cells, strict=False):
        column, text = COLUMNS[name], plain(cell.strip(" \u00a0"))
        if not text and column.empty is ABSENT:
            continue
        try:
            value = column.read(text, reading) if text else column.empty
        except Invalid as refused:
            wrong += [attrs.evolve(error, field=name) for error in refused.errors]
            continue
        _put(found, column.path, list(value) if isinstance(value, tuple) else value)
    _complete(found)
    return found, wrong


def _complete(found: dict[str, Any]) -> None:
    """A price is for one, of the product's unit, as far as nothing else is said; a weight is in kilograms."""
    if found.get("price_per"):
        found["price_per"] = {"quantity": "1", "unit": found.get("unit", ""), **found["price_per"]}
    if found.get("estimated_weight"):
        weight = {"unit": "kg", **found["estimated_weight"]}
        found["estimated_weight"] = weight if "quantity" in weight else None


def _put(found: dict[str, Any], path: str, value: Any) -> None:
    """Of what has parts, nothing is given if none is."""
    outer, _, inner = path.partition(".")
    if not inner:
        found[outer] = value
    elif value is not None:
        found[outer] = {**(found.get(outer) or {}), inner: value}
    else:
        found.setdefault(outer, None)


def column_of(field: str) -> str:
    """The column of a field of a row of JSON."""
    if field in _OF:
        return _OF[field]
    by_path = {column.path: name for name, column in COLUMNS.items()}
    if field in by_path:
        return by_path[field]
    outer = field.partition(".")[0]
    return _OF.get(outer, outer) if outer != field else field

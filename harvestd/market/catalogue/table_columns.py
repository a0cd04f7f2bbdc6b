"""The columns of products in a spreadsheet: which fields they are, and a row of JSON made of cells. Texts in another language of the market have columns
of their own (``title_fr``). Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.market.catalogue import table_cells as cells
from harvestd.market.catalogue.rules import TEXTS
from harvestd.web import bodies

#: A column whose empty cells say nothing.
ABSENT: Any = object()


@attrs.frozen
class Column:
    """``path`` is where its value is in a row of JSON: that of a member, for which ``read`` may return several, by their names. An empty cell is
    ``empty``; without that, as if there were no such column."""

    path: str
    read: Callable[[str, cells.Reading], Any] = cells.as_it_is
    empty: Any = ABSENT


COLUMNS: dict[str, Column] = {
    "id": Column("id"), "external_id": Column("external_id", empty=None), "sku": Column("sku", empty=""),
    "title": Column("title"), "description": Column("description", empty=""), "category": Column("category_id", cells.category, None),
    "unit": Column("unit"), "price": Column("price", cells.price), "price_per": Column("price_per.quantity", cells.per, None),
    "price_per_unit": Column("price_per.unit", empty=None), "sold_by": Column("sold_by", empty=None), "priced_by": Column("priced_by", empty=None),
    "estimated_weight": Column("estimated_weight.quantity", cells.measured, None), "estimated_weight_unit": Column("estimated_weight.unit", empty=None),
    "stock": Column("stock", cells.number), "quantity_step": Column("quantity_step", cells.number), "min_quantity": Column("min_quantity", cells.number),
    "season_from": Column("season.from", empty=None), "season_to": Column("season.to", empty=None),
    "harvested_on": Column("harvested_on", cells.day, None), "tags": Column("tags", lambda cell, reading: cells.split(cell), ()),
    "status": Column("status"), "gtin": Column("gtin", empty=""), "lot": Column("lot", empty=""),
    "allergens": Column("allergens", lambda cell, reading: cells.split(cell), ()), "ingredients": Column("ingredients", empty=""),
    "origin": Column("origin", empty=""), "storage": Column("storage", empty=None), "durability_kind": Column("durability.kind", empty=None),
    "durability_date": Column("durability.date", cells.day, None), "certifications": Column("certifications", cells.json_value, ()),
    "metadata": Column("metadata", cells.json_value, {}),
    "visible_to": Column("visible_to", lambda cell, reading: cells.split(cell), ()), "prices": Column("prices", cells.group_prices, ()), "variants": Column("variants", cells.json_value, ()), "translations": Column("translations", cells.json_value, None),
}  # fmt: skip
#: The column of texts in all languages, which those of one language each say as well.
ALL = "translations"
OF_LANGUAGE = re.compile(rf"({'|'.join(TEXTS)})_([a-z]{{2,3}}(?:-[a-z0-9]+)*)")
#: The column of a field that is wrong, where that has another name.
_OF = {
    "category_id": "category",
    "season": "season_from",
    "durability": "durability_kind",
    "price_per": "price_per",
    "estimated_weight": "estimated_weight",
    "price.amount": "price",
}


def column(name: str) -> Column:
    """The column of this name, which is one of :func:`columns`."""
    found = OF_LANGUAGE.fullmatch(name)
    return Column(f"{ALL}.{found[2]}.{found[1]}", empty="") if found else COLUMNS[name]


def of_languages(languages: Sequence[str]) -> tuple[str, ...]:
    """The columns of texts in the market's ``languages`` but its own, the first."""
    return tuple(f"{name}_{language}" for language in languages[1:] for name in TEXTS)


def written(languages: Sequence[str]) -> tuple[str, ...]:
    """The columns that a file is written with: texts in other languages each in their own."""
    return (*(name for name in COLUMNS if name != ALL), *of_languages(languages))


def value_of(
    names: Sequence[str], row: Sequence[str], reading: cells.Reading
) -> tuple[dict[str, Any], list[FieldError]]:
    """A row of JSON made of cells, and what is wrong with those that are left out of it."""
    found: dict[str, Any] = {}
    wrong: list[FieldError] = []
    for name, cell in zip(names, row, strict=False):
        one, text = column(name), cells.plain(cell.strip(" \u00a0"))
        if not text and one.empty is ABSENT:
            continue
        if "\x00" in text:
            wrong.append(bodies.nul(name))
            continue
        try:
            value = one.read(text, reading) if text else one.empty
            _put(found, one.path, list(value) if isinstance(value, tuple) else value)
        except Invalid as refused:
            wrong += [attrs.evolve(error, field=name) for error in refused.errors]
    _complete(found)
    return found, wrong


def _complete(found: dict[str, Any]) -> None:
    """A price is for one, of the product's unit, as far as nothing else is said; a weight is in kilograms; a language without any text has none."""
    if found.get("price_per"):
        found["price_per"] = {"quantity": "1", "unit": found.get("unit", ""), **found["price_per"]}
    if found.get("estimated_weight"):
        weight = {"unit": "kg", **found["estimated_weight"]}
        found["estimated_weight"] = weight if "quantity" in weight else None
    if isinstance(texts := found.get(ALL), dict):
        for language, own in texts.items():
            if isinstance(own, dict) and not any(own.values()):
                texts[language] = None


def _put(found: dict[str, Any], path: str, value: Any) -> None:
    """Of what has parts, nothing is given if none is. Raises :class:`Invalid` for a part that another column says otherwise."""
    outer, _, inner = path.partition(".")
    if not inner:
        found[outer] = value
    elif outer == ALL:
        language, _, name = inner.partition(".")
        found.setdefault(outer, {}).setdefault(language, {})[name] = value
    elif value is None:
        found.setdefault(outer, None)
    else:
        before = found.get(outer) or {}
        parts = value if isinstance(value, dict) else {inner: value}
        if any(before.get(name, one) != one for name, one in parts.items()):
            message = f"says another {inner} than another column of its; say it once"
            raise Invalid.of("", message, "not-accepted", reason="two-columns")
        found[outer] = {**before, **parts}


def column_of(field: str, names: Sequence[str] = ()) -> str:
    """The column of a field of a row of JSON, in a file with columns of these ``names``."""
    if field in _OF:
        return _OF[field]
    by_path = {column(name).path: name for name in (*COLUMNS, *names)}
    outer = field.partition(".")[0]
    if outer == ALL and ALL not in names:
        return next((name for path, name in by_path.items() if path == field or path.startswith(f"{field}.")), field)
    if "[" in outer:  # within JSON: the place in it is worth telling
        return field
    if field in by_path and (not names or by_path[field] in names):
        return by_path[field]
    return _OF.get(outer, outer) if outer != field else field

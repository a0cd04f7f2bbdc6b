"""The columns of products in a spreadsheet: how a cell is read as a field's JSON, and how a field is written into one. Texts in another language of
the market have columns of their own (``title_fr``). Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from itertools import islice
from typing import Any

import attrs

from harvestd.kernel.errors import FieldError, Invalid
from harvestd.market.catalogue.rules import TEXTS
from harvestd.web import bodies
from harvestd.web.problems import Refusal

#: Characters of a name that is shown, columns that a file may have, and faults that are told of them.
_LONGEST, MAX_COLUMNS, _TOLD = 40, 200, 80
#: A column whose empty cells say nothing.
ABSENT: Any = object()
_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)?")
#: A point before three digits where commas are decimal, and the converse: a thousand and more, or a fraction?
_THOUSANDS = {",": re.compile(r"[0-9]{1,3},[0-9]{3}"), ";": re.compile(r"[0-9]{1,3}\.[0-9]{3}")}
#: A quantity with its unit in one cell, and a unit alone.
_MEASURED, _UNIT = re.compile(r"([0-9][0-9.,]*)[ \u00a0]*([A-Za-z]{1,12})"), re.compile(r"(?:/|per )?([A-Za-z]{1,12})")
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
    """As in a body: no name twice, no half of a character."""
    try:
        return bodies.decode(cell.encode("utf-8", "surrogatepass"))
    except Refusal as error:
        raise Invalid.of("", "must be JSON, as the export writes it", "wrong-form", reason="json") from error


def _measured(cell: str, reading: Reading) -> Any:
    """A quantity, or the members of one with its unit: ``500 g``."""
    found = _MEASURED.fullmatch(cell)
    return number(cell, reading) if found is None else {"quantity": number(found[1], reading), "unit": found[2].lower()}


def _per(cell: str, reading: Reading) -> Any:
    """The same, or a unit alone, of which it is one: ``kg``."""
    found = _UNIT.fullmatch(cell)
    return _measured(cell, reading) if found is None else {"unit": found[1].lower()}


def _text(cell: str, reading: Reading) -> str:
    return cell


@attrs.frozen
class Column:
    """``path`` is where its value is in a row of JSON: that of a member, for which ``read`` may return several, by their names. An empty cell is
    ``empty``; without that, as if there were no such column."""

    path: str
    read: Callable[[str, Reading], Any] = _text
    empty: Any = ABSENT


COLUMNS: dict[str, Column] = {
    "id": Column("id"), "external_id": Column("external_id", empty=None), "sku": Column("sku", empty=""),
    "title": Column("title"), "description": Column("description", empty=""), "category": Column("category_id", _category, None),
    "unit": Column("unit"), "price": Column("price", _price), "price_per": Column("price_per.quantity", _per, None),
    "price_per_unit": Column("price_per.unit", empty=None), "sold_by": Column("sold_by", empty=None), "priced_by": Column("priced_by", empty=None),
    "estimated_weight": Column("estimated_weight.quantity", _measured, None), "estimated_weight_unit": Column("estimated_weight.unit", empty=None),
    "stock": Column("stock", number), "quantity_step": Column("quantity_step", number), "min_quantity": Column("min_quantity", number),
    "season_from": Column("season.from", empty=None), "season_to": Column("season.to", empty=None),
    "harvested_on": Column("harvested_on", _day, None), "tags": Column("tags", lambda cell, reading: split(cell), ()),
    "status": Column("status"), "gtin": Column("gtin", empty=""), "lot": Column("lot", empty=""),
    "allergens": Column("allergens", lambda cell, reading: split(cell), ()), "ingredients": Column("ingredients", empty=""),
    "origin": Column("origin", empty=""), "storage": Column("storage", empty=None), "durability_kind": Column("durability.kind", empty=None),
    "durability_date": Column("durability.date", _day, None), "certifications": Column("certifications", _json, ()),
    "metadata": Column("metadata", _json, {}), "variants": Column("variants", _json, ()), "translations": Column("translations", _json, None),
}  # fmt: skip
#: The column of texts in all languages, which those of one language each say as well.
_ALL = "translations"
_OF_LANGUAGE = re.compile(rf"({'|'.join(TEXTS)})_([a-z]{{2,3}}(?:-[a-z0-9]+)*)")
#: Columns as other systems, and people, name them.
_OTHER_WORDS = {
    **dict.fromkeys(("name", "product", "product_name"), "title"), **dict.fromkeys(("cost", "amount", "unit_price"), "price"),
    **dict.fromkeys(("quantity", "qty", "available", "inventory"), "stock"), **dict.fromkeys(("category_id", "category_slug", "kind", "type"), "category"),
    **dict.fromkeys(("article", "article_number", "number", "code", "item"), "sku"), **dict.fromkeys(("ean", "upc", "barcode"), "gtin"),
    **dict.fromkeys(("tag", "keywords", "labels"), "tags"), **dict.fromkeys(("packs", "pack_sizes", "sizes"), "variants"), "step": "quantity_step",
    "season": "season_from", "durability": "durability_kind", "best_before": "durability_date", "use_by": "durability_date", "text": "description",
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


def column(name: str) -> Column:
    """The column of this name, which is one of :func:`columns`."""
    found = _OF_LANGUAGE.fullmatch(name)
    return Column(f"{_ALL}.{found[2]}.{found[1]}", empty="") if found else COLUMNS[name]


def of_languages(languages: Sequence[str]) -> tuple[str, ...]:
    """The columns of texts in the market's ``languages`` but its own, the first."""
    return tuple(f"{name}_{language}" for language in languages[1:] for name in TEXTS)


def written(languages: Sequence[str]) -> tuple[str, ...]:
    """The columns that a file is written with: texts in other languages each in their own."""
    return (*(name for name in COLUMNS if name != _ALL), *of_languages(languages))


def faults(names: Sequence[str], languages: Sequence[str]) -> list[FieldError]:
    """What is wrong with the names of a file's columns."""
    if len(names) > MAX_COLUMNS:
        message, params = (
            f"must be of at most {MAX_COLUMNS} elements",
            {"maximum": str(MAX_COLUMNS), "reason": "elements"},
        )
        return [FieldError("columns", message, code="too-long", params=params)]
    wrong = list(islice(_wrong(names, (*COLUMNS, *of_languages(languages))), _TOLD))
    if _ALL in names and (own := [name for name in names if _OF_LANGUAGE.fullmatch(name)]):
        message = f"says what {own[0]} says; leave one of the two out"
        place = f"columns[{names.index(_ALL)}]"
        wrong.append(FieldError(place, message, code="given-twice", params={"value": own[0], "reason": "column"}))
    return wrong


def _wrong(names: Sequence[str], known: Sequence[str]) -> Iterator[FieldError]:
    seen: set[str] = set()
    left, possible = [one for one in known if one not in set(names)], ", ".join(known)
    for i, name in enumerate(names):
        if name in seen:
            yield FieldError(f"columns[{i}]", "is a column already; give each once", code="given-twice")
        elif name not in known:
            yield _unknown(i, name, left, possible)
        seen.add(name)


def _unknown(i: int, name: str, left: Sequence[str], possible: str) -> FieldError:
    other = _OTHER_WORDS.get(name, "")
    alike = [] if _OF_LANGUAGE.fullmatch(name) else get_close_matches(name[:_LONGEST], left, 1, 0.75)
    near = other if other in left else next(iter(alike), "")
    value, place = name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…", f"columns[{i}]"
    if not near:
        return FieldError(
            place, f"is “{value}”, which is no column of products; there are: {possible}", code="not-one-of",
            params={"value": value, "allowed": possible, "reason": "column"},
        )  # fmt: skip
    return FieldError(
        place, f"is “{value}”, which is no column of products; did you mean {near}? There are: {possible}", code="not-one-of",
        params={"value": value, "allowed": possible, "meant": near, "reason": "column-meant"},
    )  # fmt: skip


def value_of(names: Sequence[str], cells: Sequence[str], reading: Reading) -> tuple[dict[str, Any], list[FieldError]]:
    """A row of JSON made of cells, and what is wrong with those that are left out of it."""
    found: dict[str, Any] = {}
    wrong: list[FieldError] = []
    for name, cell in zip(names, cells, strict=False):
        one, text = column(name), plain(cell.strip(" \u00a0"))
        if not text and one.empty is ABSENT:
            continue
        if "\x00" in text:
            wrong.append(FieldError(name, "contains a NUL character (\\u0000); remove it", code="control-character"))
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
    if isinstance(texts := found.get(_ALL), dict):
        for language, own in texts.items():
            if isinstance(own, dict) and not any(own.values()):
                texts[language] = None


def _put(found: dict[str, Any], path: str, value: Any) -> None:
    """Of what has parts, nothing is given if none is. Raises :class:`Invalid` for a part that another column says otherwise."""
    outer, _, inner = path.partition(".")
    if not inner:
        found[outer] = value
    elif outer == _ALL:
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
    if outer == _ALL and _ALL not in names:
        return next((name for path, name in by_path.items() if path == field or path.startswith(f"{field}.")), field)
    if "[" in outer:  # within JSON: the place in it is worth telling
        return field
    if field in by_path and (not names or by_path[field] in names):
        return by_path[field]
    return _OF.get(outer, outer) if outer != field else field

"""The cells of a spreadsheet of products: how one is read as a value of JSON, and how a text is written into one. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import attrs

from harvestd.kernel.errors import Invalid
from harvestd.web import bodies
from harvestd.web.problems import Refusal

_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)?")
#: A point before three digits where commas are decimal, and the converse: a thousand and more, or a fraction?
_THOUSANDS = {",": re.compile(r"[0-9]{1,3},[0-9]{3}"), ";": re.compile(r"[0-9]{1,3}\.[0-9]{3}")}
#: A quantity with its unit in one cell, and a unit alone.
_MEASURED, _UNIT = re.compile(r"([0-9][0-9.,]*)[ \u00a0]*([A-Za-z]{1,12})"), re.compile(r"(?:/|per )?([A-Za-z]{1,12})")
_DAY = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
#: What a spreadsheet would run as a formula (OWASP, CSV injection), and the apostrophes that keep it from that.
_STARTS = "=+\\-@\\t\\r\\n\uff1d\uff0b\uff0d\uff20"  # the last four are full-width: Japanese and Chinese editions take them for the same
_FORMULA, _KEPT = re.compile(f"'*[{_STARTS}]"), re.compile(f"'+[{_STARTS}]")
#: The price of a group: ``members=3.50``.
_OF_GROUP = re.compile(r"([^\s=]{1,80})\s*=\s*(\S{1,40})")


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
            "",
            "must be a number such as 3.50 or 3,50, without a sign or separators of thousands",
            "not-a-number",
            reason="cell",
        )
    if _THOUSANDS[kind].fullmatch(cell):
        raise Invalid.of(
            "", "could be a fraction or thousands; write 1250, or 1.25", "not-a-number", reason="thousands"
        )
    return cell.replace(",", ".")


def price(cell: str, reading: Reading) -> int:
    minor = Decimal(number(cell, reading)).scaleb(reading.places)
    if minor != minor.to_integral_value():
        raise Invalid.of("", "has more decimals than the money of this market", "not-a-number", reason="decimals")
    return int(minor)


def group_prices(cell: str, reading: Reading) -> list[dict[str, Any]]:
    """What members of groups pay, each by its slug or id: ``members=3.50|wholesale=2.80``."""
    found: list[dict[str, Any]] = []
    for one in split(cell):
        of_group = _OF_GROUP.fullmatch(one)
        if of_group is None:
            message = "must be groups with their prices, such as members=3.50|wholesale=2.80"
            raise Invalid.of("", message, "wrong-form", reason="group-prices")
        found.append({"group": of_group[1], "price": price(of_group[2], reading)})
    return found


def day(cell: str, reading: Reading) -> str:
    found = _DAY.fullmatch(cell)
    return f"{found[3]}-{found[2]:0>2}-{found[1]:0>2}" if found else cell


def category(cell: str, reading: Reading) -> str:
    if cell not in reading.categories:
        raise Invalid.of(
            "", "does not exist; GET /api/categories lists the categories", "not-found", list="GET /api/categories"
        )
    return reading.categories[cell]


def json_value(cell: str, reading: Reading) -> Any:
    """As in a body: no name twice, no half of a character."""
    try:
        return bodies.decode(cell.encode("utf-8", "surrogatepass"))
    except Refusal as error:
        raise Invalid.of("", "must be JSON, as the export writes it", "wrong-form", reason="json") from error


def measured(cell: str, reading: Reading) -> Any:
    """A quantity, or the members of one with its unit: ``500 g``."""
    found = _MEASURED.fullmatch(cell)
    return number(cell, reading) if found is None else {"quantity": number(found[1], reading), "unit": found[2].lower()}


def per(cell: str, reading: Reading) -> Any:
    """The same, or a unit alone, of which it is one: ``kg``."""
    found = _UNIT.fullmatch(cell)
    return measured(cell, reading) if found is None else {"unit": found[1].lower()}


def as_it_is(cell: str, reading: Reading) -> str:
    return cell

"""From a row of the directory to a farm and its catalogue. Pure: text in, values out."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator

import attrs

from harvestd.directory.goods import GOODS, Good
from harvestd.directory.season import season_of
from harvestd.market.slugs import slug

#: Without these columns a file is not the directory.
NEEDED = ("FMID", "MarketName", "city", "State", "x", "y", *(good.column for good in GOODS))
SEASONS = ("Season1Date", "Season2Date", "Season3Date", "Season4Date")
PROGRAMMES = {"Credit": "credit cards", "WIC": "WIC", "WICcash": "WIC cash", "SFMNP": "SFMNP", "SNAP": "SNAP"}


class NotTheDirectory(Exception):
    """The file has no header, or another; the text says what is missing."""


@attrs.frozen
class BadRow:
    """A row that cannot be stored, by its line in the file, and why."""

    line: int
    why: str


@attrs.frozen
class Market:
    """A row as a farm. ``source`` identifies it over imports; the season is ``MM-DD`` to ``MM-DD`` or None;
    ``unread`` is a season's text that nobody could read."""

    line: int
    source: str
    slug: str
    name: str
    description: str
    latitude: float | None
    longitude: float | None
    address: str
    organic: bool
    season: tuple[str, str] | None
    goods: tuple[Good, ...]
    unread: str = ""


def read(lines: Iterable[str]) -> Iterator[Market | BadRow]:
    """Each row as a :class:`Market` or what is wrong with it; raises :class:`NotTheDirectory`."""
    rows = csv.DictReader(lines, strict=True)
    seen: dict[str, int] = {}
    try:
        missing = [name for name in NEEDED if name not in (rows.fieldnames or ())]
    except csv.Error as error:
        raise NotTheDirectory(f"it is not CSV: {error}") from None
    if missing:
        raise NotTheDirectory(
            f"the first line has no column {', '.join(missing)}; this reads the USDA's farmers market directory"
        )
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield BadRow(rows.line_num, f"not CSV: {error}")
            continue
        yield _market(row, rows.line_num, seen)


def _market(row: dict[str, str], line: int, seen: dict[str, int]) -> Market | BadRow:
    if None in row or None in row.values():
        return BadRow(line, f"it has {'more' if None in row else 'fewer'} fields than the header")
    cells = {name: " ".join(value.split()) for name, value in row.items()}
    faults = list(_faults(cells, seen))
    if faults:
        return BadRow(line, "; ".join(faults))
    number, name = cells["FMID"], cells["MarketName"]
    seen[number] = line
    texts = [cells[column] for column in SEASONS if cells.get(column)]
    season = season_of(texts)
    return Market(
        line=line,
        source=f"usda:{number}",
        slug=slug(name, number),
        name=name,
        description=_description(cells),
        latitude=float(cells["y"]) if cells["y"] else None,
        longitude=float(cells["x"]) if cells["x"] else None,
        address=_address(cells),
        organic=cells.get("Organic") == "Y",
        season=season,
        goods=tuple(good for good in GOODS if cells[good.column] == "Y"),
        unread="; ".join(texts) if texts and season is None else "",
    )


def _faults(cells: dict[str, str], seen: dict[str, int]) -> Iterator[str]:
    number = cells["FMID"]
    if not re.fullmatch(r"[0-9]{1,12}", number):
        yield f"FMID is {number!r}, not a number"
    elif number in seen:
        yield f"FMID {number} stands in line {seen[number]} already"
    if not 1 <= len(cells["MarketName"]) <= 200:
        yield "MarketName must have 1 to 200 characters"
    if any("\0" in value or "\ufffd" in value for value in cells.values()):
        yield "it has characters that are not UTF-8"
    if bool(cells["x"]) != bool(cells["y"]):
        yield "x (longitude) or y (latitude) is missing; give both or none"
    for column, name, most in (("x", "longitude", 180), ("y", "latitude", 90)):
        if cells[column] and not _within(cells[column], most):
            yield f"{column} is {cells[column]!r}, not a {name} from -{most} to {most}"
    for good in GOODS:
        if cells[good.column] not in ("Y", "N", "-", ""):
            yield f"{good.column} is {cells[good.column]!r}, not Y or N"


def _within(text: str, most: float) -> bool:
    return re.fullmatch(r"[+-]?\d{1,3}(\.\d*)?", text) is not None and abs(float(text)) <= most


def _address(cells: dict[str, str]) -> str:
    county = f"{cells['County']} County" if cells.get("County") else ""
    state = " ".join(part for part in (cells["State"], cells.get("zip", "")) if part)
    return ", ".join(part for part in (cells["city"], county, state) if part)


def _description(cells: dict[str, str]) -> str:
    place = ", ".join(part for part in (cells["city"], cells["State"]) if part)
    hours = cells.get("Season1Time", "").strip("; ")
    pays = [name for column, name in PROGRAMMES.items() if cells.get(column) == "Y"]
    sentences = [f"Farmers market in {place}." if place else "Farmers market."]
    sentences += [f"Open {hours}."] if hours else []
    sentences += [f"Takes {', '.join(pays)}."] if pays else []
    return " ".join(sentences)

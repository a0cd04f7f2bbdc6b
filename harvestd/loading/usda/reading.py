"""Conversion of a row of the directory into a farm and its catalogue. Pure: text in, values out."""

from __future__ import annotations

import csv
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections import Counter
from collections.abc import Iterator
from io import StringIO

import attrs

from harvestd.kernel import readers
from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import clean_name, one_line
from harvestd.kernel.slugs import slug
from harvestd.loading.usda.goods import GOODS, Good
from harvestd.loading.usda.season import season_of
from harvestd.market.farms.rules import MAX_ADDRESS, TEXTS

#: A file without these columns is not the directory.
NEEDED = ("FMID", "MarketName", "city", "State", "x", "y", *(good.column for good in GOODS))
#: The byte order marks of UTF-16.
UTF_16 = (BOM_UTF16_LE, BOM_UTF16_BE)
#: The maximum number of lines of a row; a longer one has an unclosed quote.
MAX_LINES = 50
SEASONS = ("Season1Date", "Season2Date", "Season3Date", "Season4Date")
PROGRAMMES = {"Credit": "credit cards", "WIC": "WIC", "WICcash": "WIC cash", "SFMNP": "SFMNP", "SNAP": "SNAP"}


class NotTheDirectory(Exception):
    """The file has no header, or a different one; the text says what is missing."""


@attrs.frozen
class BadRow:
    """A row that cannot be stored: its line in the file, and why."""

    line: int
    why: str


@attrs.frozen
class Market:
    """A row as a farm. ``source`` identifies it across imports; the season is ``MM-DD`` to ``MM-DD`` or None;
    ``unread`` is a season's text that could not be parsed."""

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


def read(content: bytes) -> Iterator[Market | BadRow]:
    """Each row of a file as a :class:`Market` or a :class:`BadRow`; raises :class:`NotTheDirectory`. UTF-8, with or without
    a byte order mark, and any line ends; bytes that are not UTF-8 make their row bad.

    A row begins at ``line`` and may have line breaks in quotes. A row with an unclosed quote does not take others with it: it
    alone is bad, and reading continues with the next line.
    """
    if content.startswith(UTF_16) or b"\0" in content[:100]:
        raise NotTheDirectory("it is UTF-16, as spreadsheets save it under Unicode; save it as CSV in UTF-8")
    lines = list(StringIO(content.decode("utf-8-sig", errors="replace"), newline=""))
    at, header = _row(lines, 0)
    _check_header(header)
    assert header is not None
    seen: dict[str, int] = {}
    while at < len(lines):
        begins = at
        at, cells = _row(lines, begins)
        if cells is None or (at - begins > 1 and len(cells) != len(header)):
            at = begins + 1
            yield BadRow(begins + 1, _why_not_csv(lines[begins : begins + MAX_LINES]))
        elif cells:
            yield _market(header, cells, begins + 1, seen)


def _check_header(header: list[str] | None) -> None:
    """Raise :class:`NotTheDirectory` if a required column is missing, or occurs twice and so is ambiguous."""
    if header is None:
        raise NotTheDirectory("it is not CSV: its first line cannot be read")
    if missing := [name for name in NEEDED if name not in header]:
        raise NotTheDirectory(
            f"the first line has no column {', '.join(missing)}; this reads the USDA's farmers market directory"
        )
    if twice := [name for name, count in Counter(header).items() if count > 1 and name.strip()]:
        raise NotTheDirectory(f"the first line has more than one column {', '.join(twice)}; leave one of each")


def _row(lines: list[str], at: int) -> tuple[int, list[str] | None]:
    """The row that begins at a line (counted from 0), and the line of the next one; None if it is not CSV."""
    rows = csv.reader(lines[at : at + MAX_LINES], strict=True)
    try:
        return at + 1 if (cells := next(rows, None)) is None else at + rows.line_num, cells or []
    except csv.Error:
        return at + 1, None


def _why_not_csv(lines: list[str]) -> str:
    """Why the row that begins with the first of these lines is not CSV."""
    try:
        next(csv.reader(lines, strict=True))
    except csv.Error as error:
        if "field limit" in str(error):
            return f"it has a field of more than {csv.field_size_limit():,} characters"
    line = lines[0]
    if line.count('"') % 2:
        return "not CSV: a quote is opened in it and not closed, or the other way round"
    return "not CSV: its quotes are not where they can be"


def _market(header: list[str], row: list[str], line: int, seen: dict[str, int]) -> Market | BadRow:
    if len(row) != len(header):
        return BadRow(line, f"it has {'more' if len(row) > len(header) else 'fewer'} fields than the header")
    cells = {name: one_line(value) for name, value in zip(header, row, strict=True)}
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
    name = clean_name("MarketName", cells["MarketName"], 200)
    if isinstance(name, FieldError):
        yield f"MarketName {name.message}"
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
    number = readers.decimal_or_none(text)
    return number is not None and abs(number) <= most


def _address(cells: dict[str, str]) -> str:
    county = f"{cells['County']} County" if cells.get("County") else ""
    state = " ".join(part for part in (cells["State"], cells.get("zip", "")) if part)
    return ", ".join(part for part in (cells["city"], county, state) if part)[:MAX_ADDRESS].rstrip()


def _description(cells: dict[str, str]) -> str:
    place = ", ".join(part for part in (cells["city"], cells["State"]) if part)
    hours = cells.get("Season1Time", "").strip("; ")
    pays = [name for column, name in PROGRAMMES.items() if cells.get(column) == "Y"]
    sentences = [f"Farmers market in {place}." if place else "Farmers market."]
    sentences += [f"Open {hours}."] if hours else []
    sentences += [f"Takes {', '.join(pays)}."] if pays else []
    return " ".join(sentences)[: TEXTS["description"].longest].rstrip()

"""Conversion of a row of the directory into a farm and its catalogue. Pure: text in, values out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import attrs

from harvestd.kernel import readers
from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import clean_name
from harvestd.kernel.slugs import slug
from harvestd.loading.usda.goods import GOODS, Good
from harvestd.loading.usda.season import season_of
from harvestd.market.farms.benefit_rules import kept
from harvestd.market.farms.rules import MAX_ADDRESS, TEXTS

SEASONS = ("Season1Date", "Season2Date", "Season3Date", "Season4Date")
PROGRAMMES = {"Credit": "credit cards", "WIC": "WIC", "WICcash": "WIC cash", "SFMNP": "SFMNP", "SNAP": "SNAP"}
#: The columns of benefit programmes: WIC is the one for farmers' markets, WICcash the cash value benefits.
BENEFITS = {"WIC": "wic_fmnp", "WICcash": "wic", "SFMNP": "senior_fmnp", "SNAP": "snap"}


@attrs.frozen
class BadRow:
    """A row that cannot be stored: its line in the file (of JSON: the number of the listing), and why."""

    line: int
    why: str
    at: str = "line"


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
    benefits: tuple[str, ...] = ()


@attrs.frozen
class Form:
    """How a form of the directory calls its columns, where what is wrong is told by them; what its sources begin with; and what it counts."""

    number: str
    name: str
    x: str
    y: str
    source: str
    at: str = "line"


FORMER = Form("FMID", "MarketName", "x", "y", "usda:")
LISTINGS = Form("listing_id", "listing_name", "location_x", "location_y", "usda-listing:")
JSON = attrs.evolve(LISTINGS, at="listing")


def of_row(cells: Mapping[str, str], line: int, seen: dict[str, int], form: Form) -> Market | BadRow:
    """A row in the columns of the former file as a farm; ``seen`` has the line of each that was read before."""
    faults = list(_faults(cells, seen, form))
    if faults:
        return BadRow(line, "; ".join(faults), form.at)
    number, name = cells["FMID"], cells["MarketName"]
    seen[number] = line
    texts = [cells[column] for column in SEASONS if cells.get(column)]
    season = season_of(texts)
    return Market(
        line=line,
        source=f"{form.source}{number}",
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
        benefits=tuple(kept([*cells.get("benefits", "").split(), *(one for name, one in BENEFITS.items() if cells.get(name) == "Y")])),
    )  # fmt: skip


def _faults(cells: Mapping[str, str], seen: dict[str, int], form: Form) -> Iterator[str]:
    number = cells["FMID"]
    if not re.fullmatch(r"[0-9]{1,12}", number):
        yield f"{form.number} is {number!r}, not a number"
    elif number in seen:
        yield f"{form.number} {number} stands in {form.at} {seen[number]} already"
    name = clean_name(form.name, cells["MarketName"], 200)
    if isinstance(name, FieldError):
        yield f"{form.name} {name.message}"
    if any("\0" in value or "\ufffd" in value for value in cells.values()):
        yield "it has characters that are not UTF-8"
    if bool(cells["x"]) != bool(cells["y"]):
        yield f"{form.x} (longitude) or {form.y} (latitude) is missing; give both or none"
    for column, called, name, most in (("x", form.x, "longitude", 180), ("y", form.y, "latitude", 90)):
        if cells[column] and not _within(cells[column], most):
            yield f"{called} is {cells[column]!r}, not a {name} from -{most} to {most}"
    for good in GOODS:
        if cells[good.column] not in ("Y", "N", "-", ""):
            yield f"{good.column} is {cells[good.column]!r}, not Y or N"


def _within(text: str, most: float) -> bool:
    number = readers.decimal_or_none(text)
    return number is not None and abs(number) <= most


def _address(cells: Mapping[str, str]) -> str:
    if cells.get("address"):
        return cells["address"][:MAX_ADDRESS].rstrip()
    county = f"{cells['County']} County" if cells.get("County") else ""
    state = " ".join(part for part in (cells["State"], cells.get("zip", "")) if part)
    return ", ".join(part for part in (cells["city"], county, state) if part)[:MAX_ADDRESS].rstrip()


def _description(cells: Mapping[str, str]) -> str:
    place = ", ".join(part for part in (cells["city"], cells["State"]) if part)
    hours = cells.get("Season1Time", "").strip("; ")
    pays = [name for column, name in PROGRAMMES.items() if cells.get(column) == "Y"]
    sentences = [f"Farmers market in {place}." if place else "Farmers market."]
    sentences += [f"Open {hours}."] if hours else []
    sentences += [f"Takes {', '.join(pays)}."] if pays else []
    sentences += [cells["about"]] if cells.get("about") else []
    return " ".join(sentences)[: TEXTS["description"].longest].rstrip()

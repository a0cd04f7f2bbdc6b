"""The directory as the USDA's Local Food Portal gives it: a file of listings, CSV or JSON, and the answers of its API (``{"data": […]}``).

A listing becomes a row of the former file, which has a column for each kind of goods, so both are read by the same rules. Only the API says what a
market sells and when, in one text (``brief_desc``); only the file has benefit programmes. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from harvestd.loading.usda.goods import GOODS
from harvestd.market.farms.benefit_rules import kept

#: A file of listings has at least these columns.
NEEDED = ("listing_id", "listing_name", "location_x", "location_y")
#: Each kind of goods as the portal calls it, and the former column.
SOLD = {
    "fresh fruits": "Fruits", "fresh vegetables": "Vegetables", "baked goods": "Bakedgoods", "bedding plants": "Plants",
    "canned or preserved fruits/vegetables": "Jams", "coffee/tea": "Coffee", "crafts/woodworking items": "Crafts", "cut flowers": "Flowers",
    "dairy products": "Cheese", "eggs": "Eggs", "fish/seafood": "Seafood", "fresh/dried herbs": "Herbs", "grains/flour": "Grains",
    "honey": "Honey", "juices/non-alcoholic ciders": "Juices", "maple products": "Maple", "mushrooms": "Mushrooms", "nursery stock": "Nursery",
    "nuts": "Nuts", "dry beans": "Beans", "pet food": "PetFood", "poultry/fowl meat and products": "Poultry", "prepared foods": "Prepared",
    "red/other non-poultry meat and products": "Meat", "soap/body care products": "Soap", "tofu and other non-animal protein": "Tofu",
    "trees": "Trees", "wild harvested forest products": "WildHarvested", "wine, spirits, beer, hard cider": "Wine",
}  # fmt: skip
#: Columns that are 1 for a benefit programme.
TAKEN = {
    "FNAP_1": "wic", "FNAP_2": "snap", "FNAP_3": "incentives", "FNAP_4": "wic_fmnp", "FNAP_5": "senior_fmnp", "SNAP_option_1": "snap",
    "SNAP_option_2": "snap",
}  # fmt: skip
#: How the names of the programmes begin, in the column that has all of them; the first that fits counts.
NAMED = {
    "senior": "senior_fmnp", "wic farmers": "wic_fmnp", "wic": "wic", "snap": "snap", "supplemental": "snap", "market bucks": "incentives",
    "match": "incentives",
}  # fmt: skip
_YES = ("1", "y", "yes", "true")


class NotListings(ValueError):
    """The JSON is none of the portal's; the text says why."""


def records(content: bytes) -> list[dict[str, str]]:
    """The listings of a file of JSON, as texts; raises :class:`NotListings`."""
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotListings(f"it is not JSON: {error}") from None
    if isinstance(found, dict):
        found = found.get("data")
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise NotListings('it has no list of listings, such as [{"listing_id": …}] or {"data": […]}')
    if found and not any(name in one for one in found for name in NEEDED[:1]):
        raise NotListings("its listings have no listing_id; this reads the USDA's farmers market directory")
    return [{name: _text(value) for name, value in one.items()} for one in found]


def as_row(cells: Mapping[str, str]) -> dict[str, str]:
    """A listing in the columns of the former file. ``address``, ``about`` and ``benefits`` are what that has in other columns."""
    given = {name: "" if text.lower() in ("null", "none") else text for name, text in cells.items()}
    opening, _, sold = given.get("brief_desc", "").partition("Available Products:")
    goods = {SOLD.get(name) for name in _parts(given.get("products", "") or sold)}
    return {
        "FMID": given.get("listing_id", ""), "MarketName": given.get("listing_name", ""),
        "city": given.get("location_city", ""), "State": given.get("location_state", ""), "zip": given.get("location_zipcode", ""),
        "x": given.get("location_x", "").rstrip(" ,"), "y": given.get("location_y", "").rstrip(" ,"),
        "address": given.get("location_address", ""), "about": given.get("listing_desc", ""),
        "Organic": "Y" if _yes(given, "specialproductionmethods_1") else "",
        "benefits": " ".join(kept(_benefits(given))),
        **{good.column: "Y" if good.column in goods else "N" for good in GOODS},
        **{f"Season{n}Date": text for n, text in enumerate(_seasons(opening), 1)},
    }  # fmt: skip


def _seasons(opening: str) -> list[str]:
    """``Open: May to June; 07/01/2022 to 11/30/2022; <br>``: the first four; none of a market that is open all year."""
    text = opening.replace("<br>", "").strip().removeprefix("Open:")
    return [one for part in text.split(";") if (one := part.strip()) and one.lower() != "year-round"][:4]


def _benefits(given: Mapping[str, str]) -> Iterator[str]:
    yield from (benefit for name, benefit in TAKEN.items() if _yes(given, name))
    for part in _parts(given.get("FNAP", "")):
        yield from [benefit for beginning, benefit in NAMED.items() if part.startswith(beginning)][:1]


def _parts(text: str) -> list[str]:
    """What is between semicolons, in lower case and without the full stop that some end with."""
    return [one for part in text.lower().split(";") if (one := part.strip(" ."))]


def _yes(given: Mapping[str, str], name: str) -> bool:
    return given.get(name, "").lower() in _YES


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return str(value) if isinstance(value, (str, int, float)) else ""

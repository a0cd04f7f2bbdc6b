"""What a request says of a product, converted for the rules: of one product, or a row of many."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from harvestd.kernel import claims, errors, foreign, readers
from harvestd.kernel.claims import Certification
from harvestd.kernel.errors import FieldError, Invalid
from harvestd.kernel.seasons import Season as MarketSeason
from harvestd.kernel.seasons import checked as checked_season
from harvestd.kernel.seasons import faults as season_faults
from harvestd.kernel.units import Amount
from harvestd.market.catalogue import rules as market
from harvestd.market.catalogue import variant_reading
from harvestd.market.catalogue.fact_rules import Durability
from harvestd.market.catalogue.group_rules import GroupPrice
from harvestd.market.catalogue.measure_shapes import WeightIn
from harvestd.market.catalogue.price_rules import per_faults
from harvestd.market.catalogue.price_shapes import GroupPriceIn
from harvestd.market.catalogue.product_body_shapes import PricePerIn
from harvestd.market.catalogue.tag_rules import tag_faults
from harvestd.web import sound, translated
from harvestd.web.money import given_faults, minor_units
from harvestd.web.shapes import Money, SeasonIn


def faults(currency: str, sent: Mapping[str, Any], languages: Sequence[str] = ()) -> list[FieldError]:
    """Faults in the given fields of a product, independent of the others."""
    known, wrong = read(currency, sent, languages)
    return [*wrong, *_faults_in_part(currency, sent), *market.faults(known)]


def _faults_in_part(currency: str, given: Mapping[str, Any]) -> Iterator[FieldError]:
    """Faults in the fields that could only be read in part."""
    if "price" not in given:
        yield from given_faults("price", given, currency)
    if "price_per" not in given:
        yield from per_faults(sound.members(given, "price_per"))
    if "estimated_weight" not in given:
        yield from per_faults(sound.members(given, "estimated_weight"), "estimated_weight")
    if "season" not in given:
        yield from season_faults(sound.members(given, "season"))
    if "tags" not in given:
        yield from tag_faults(sound.elements(given, "tags"))
    if "certifications" not in given:
        yield from claims.faults_in_part("certifications", sound.elements(given, "certifications"))
    if "metadata" not in given:
        yield from foreign.metadata("metadata", sound.members(given, "metadata"))[1]
    if "variants" not in given:
        yield from variant_reading.faults(currency, given, "variants")
    if "prices" not in given:
        for i, members in sound.elements(given, "prices").items():
            read_in_part = {f"prices[{i}].{name}": value for name, value in members.items()}
            yield from given_faults(f"prices[{i}].price", read_in_part, currency)


def read(
    currency: str, given: Mapping[str, Any], languages: Sequence[str] = ()
) -> tuple[dict[str, Any], list[FieldError]]:
    """The fields converted for the rules, translations into the market's ``languages``; those that cannot be converted are left out, with their faults."""
    found, wrong = translated.read(given, market.TEXTS, languages)
    for name, convert in _READ.items():
        if name in given:
            del found[name]
            wrong += errors.faults(lambda: found.update({name: convert(currency, given[name])}))  # noqa: B023  (called at once)
    return found, wrong


def _price(currency: str, price: Money | int) -> int:
    return minor_units("price", price, currency)


def _prices(currency: str, prices: list[GroupPriceIn] | None) -> tuple[GroupPrice, ...]:
    found: list[GroupPrice] = []
    wrong: list[FieldError] = []
    for i, one in enumerate(prices or ()):
        group, price = readers.token(one.group), partial(minor_units, f"prices[{i}].price", one.price, currency)
        wrong += errors.faults(lambda: found.append(GroupPrice(group, price())))  # noqa: B023  (called at once)
    if wrong:
        raise Invalid("the product cannot be accepted", tuple(wrong))
    return tuple(found)


def _season(season: SeasonIn | None) -> MarketSeason | None:
    return None if season is None else checked_season(season.from_, season.to)


def _amount(given: PricePerIn | WeightIn | None) -> Amount | None:
    return None if given is None else Amount(given.quantity, given.unit)


#: The conversions of a body's fields for the rules, where they are not used as they are.
_READ: dict[str, Callable[[str, Any], Any]] = {
    "price": _price,
    "price_per": lambda currency, per: _amount(per),
    "estimated_weight": lambda currency, weight: _amount(weight),
    "season": lambda currency, season: _season(season),
    "tags": lambda currency, tags: tuple(tags),
    "durability": lambda currency, day: None if day is None else Durability(day.kind, day.date),
    "visible_to": lambda currency, groups: tuple(map(readers.token, groups or ())),
    "prices": _prices,
    "variants": lambda currency, packs: variant_reading.read(currency, "variants", packs),
    "certifications": lambda currency, made: tuple(Certification(**msgspec.structs.asdict(one)) for one in made),
}  # fmt: skip

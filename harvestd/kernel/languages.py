"""The languages that the market speaks, which of them a client gets, and what is wrong with a field in each.

A language is one file, ``words/<tag>.toml``; English is what the code says itself, so it has none and is always there.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from importlib.resources import files
from string import Formatter

import attrs
from babel.core import negotiate_locale

from harvestd.kernel import formatting, readers
from harvestd.kernel.sentences import Sentence

ENGLISH = "en"
#: Ranges of an ``Accept-Language`` that are looked at, those that come first; browsers send some five.
MAX_RANGES = 20
_WEIGHT = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.IGNORECASE)
_DAYS = frozenset({"from", "to"})
#: Parameters that are a quantity whatever stands beside them, and those that are of a unit of their own.
_QUANTITIES = frozenset({"per_before", "per_after"})
_UNIT_OF = {"before": "unit_before", "per_before": "unit_before"}
#: The parameters that are numbers. Others may look like one: a product that is called 1000, an example of what is to be sent.
_NUMBERS = _QUANTITIES | {"minimum", "maximum", "step", "available", "reserved", "before", "after", "missing", "count"}


@attrs.frozen
class Words:
    """What a file holds: ``titles`` by slug, ``messages`` by code, ``fuller`` ones by code and by what must be there for them (a
    ``reason``, or the name of a parameter), ``units`` (one, other) and ``types`` by name, ``sentences`` by the English ones."""

    titles: Mapping[str, str]
    messages: Mapping[str, str]
    fuller: Mapping[str, Mapping[str, str]]
    units: Mapping[str, Sequence[str]]
    types: Mapping[str, str]
    sentences: Mapping[str, str]


#: By tag, all but English.
WORDS: dict[str, Words] = {
    file.name.removesuffix(".toml"): Words(**tomllib.loads(file.read_text("utf-8")))
    for file in sorted((files("harvestd.kernel") / "words").iterdir(), key=lambda file: file.name)
    if file.name.endswith(".toml")
}
#: Whatever a market can be set to speak.
LANGUAGES: tuple[str, ...] = (ENGLISH, *WORDS)


def spoken(market: Iterable[str]) -> tuple[str, ...]:
    """A market's languages, its default first; English is among them."""
    return tuple(dict.fromkeys((*market, ENGLISH)))


def choose(accepted: str, offered: Sequence[str]) -> str:
    """Which of ``offered`` an ``Accept-Language`` asks for (RFC 9110, 12.5.4, by lookup, RFC 4647, 3.4); the first where it names
    none of them, and never one with ``q=0`` while there is another. What breaks the grammar is passed over."""
    parts = accepted.split(",", MAX_RANGES)[:MAX_RANGES]
    weighted = [weighed for part in parts if (weighed := _range(part)) is not None]
    refused = {tag for tag, weight in weighted if not weight}
    left = [tag for tag in offered if tag not in refused] or offered
    wanted = [tag for tag, weight in sorted(weighted, key=lambda pair: -pair[1]) if weight]
    found = negotiate_locale(wanted, left, sep="-")
    return found if found is not None and found in left else left[0]


def _range(part: str) -> tuple[str, float] | None:
    tag, semicolon, parameter = (piece.strip() for piece in part.partition(";"))
    weight = _WEIGHT.fullmatch(parameter)
    if not tag.isascii() or (semicolon and weight is None):
        return None
    return tag.lower(), float(weight[1]) if weight else 1.0


def title(slug: str, english: str, language: str) -> str:
    """The title of a problem."""
    return english if language == ENGLISH else WORDS[language].titles[slug]


def sentence(english: str, language: str) -> str | None:
    """A sentence to whoever asked; None where the language has no word for it."""
    if language == ENGLISH:
        return str(english)
    own = english if isinstance(english, Sentence) else None
    template = WORDS[language].sentences.get(str(english) if own is None else own.template)
    return template if template is None or own is None else template.format_map(own.params)


def message(code: str, params: Mapping[str, str], english: str, language: str) -> str:
    """What is wrong with a field. ``english`` where that is asked for, or the language has no word for the code."""
    if language == ENGLISH or code not in WORDS[language].messages:
        return english
    template = _fullest(WORDS[language], code, params)
    return template.format_map({name: _shown(name, params, language) for name in params})


def _fullest(words: Words, code: str, params: Mapping[str, str]) -> str:
    """The first of the fuller messages for which all is there that it says; else the one that needs nothing more."""
    for key, template in words.fuller.get(code, {}).items():
        if (key in (params.get("reason"), params.get("what")) or params.get(key)) and all(
            params.get(name) for name in _named(template)
        ):
            return template
    return words.messages[code]


@cache
def _named(template: str) -> frozenset[str]:
    """The parameters that a message has in it."""
    return frozenset(name for _, name, _, _ in Formatter().parse(template) if name)


def _shown(name: str, params: Mapping[str, str], language: str) -> str:
    """A parameter as people write it; names that people gave, and what is to be sent as it stands, stay as they are."""
    value, words = params[name], WORDS[language]
    if name == "reason" and value in words.messages and _named(words.messages[value]) <= params.keys() - {"reason"}:
        return message(value, {one: params[one] for one in params if one not in ("reason", "title")}, value, language)
    if name in _DAYS and (readers.is_yearly_day(value) or readers.is_day(value)):
        return formatting.season_day(value, language)
    if name == "expected":
        return ", ".join(words.types.get(one, one) for one in value.split(", "))
    if name in ("before", "after") and value in words.units:
        return words.units[value][0]
    number = readers.decimal_or_none(value) if name in _NUMBERS else None
    if number is None:
        return value
    if "currency" in params and name not in _QUANTITIES and number == number.to_integral_value():
        return formatting.money(int(number), params["currency"], language)
    if "unit" in params:
        return _quantity(number, params.get(_UNIT_OF.get(name, "unit"), params["unit"]), language)
    return formatting.number(number, language)


def _quantity(number: Decimal, unit: str, language: str) -> str:
    word = WORDS[language].units.get(unit)
    if word is None:
        return formatting.quantity(number, unit, language)
    return f"{formatting.number(number, language)} {word[number != 1]}"

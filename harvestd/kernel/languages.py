"""The market's languages, language negotiation, and translated texts. The words are in catalogues (``catalogues.py``)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

import attrs
from babel.core import negotiate_locale

from harvestd.kernel import catalogues, formatting, readers
from harvestd.kernel.catalogues import WORDS, Words
from harvestd.kernel.sentences import Sentence
from harvestd.kernel.tags import ENGLISH as ENGLISH
from harvestd.kernel.told_values import Told

#: Maximum ranges of an ``Accept-Language`` considered, the first ones; browsers send some five.
MAX_RANGES = 20
#: A name and what is told of it; a ``page`` of the catalogues.
NAMED = "{name}: {words}"
_WEIGHT = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.IGNORECASE)
_DAYS = frozenset({"from", "to", "until"})
#: Parameters that are always a quantity, and those with a unit parameter of their own.
_QUANTITIES = frozenset({"per_before", "per_after"})
_UNIT_OF = {"before": "unit_before", "per_before": "unit_before"}
#: The numeric parameters. Others may look like a number: a product titled 1000, an example value to send.
_NUMBERS = _QUANTITIES | {"minimum", "maximum", "step", "available", "reserved", "before", "after", "missing", "count"}


def spoken(market: Iterable[str]) -> tuple[str, ...]:
    """A market's languages, its default first; always including English."""
    return tuple(dict.fromkeys((*market, ENGLISH)))


def choose(accepted: str, offered: Sequence[str]) -> str:
    """The language of ``offered`` that an ``Accept-Language`` selects (RFC 9110, 12.5.4, by lookup, RFC 4647, 3.4); the first if none
    matches, and never one with ``q=0`` if there is another. Malformed ranges are ignored."""
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


@attrs.frozen
class Status(Told):
    """The status of an order, of a farm's part of one, or of a market day, as it stands in sentences for people."""

    value: str

    def said(self, locale: str = ENGLISH) -> str:
        """``out for delivery``, ``unterwegs``."""
        english = self.value.replace("_", " ")
        return english if locale == ENGLISH else WORDS[locale].status.get(self.value, english)


def title(english: str, language: str) -> str:
    """The translated title of a problem; in English if the language does not have it."""
    return english if language == ENGLISH else WORDS[language].title.get(english, english)


def sentence(english: str, language: str) -> str | None:
    """The translated sentence; None if the language does not have it."""
    if language == ENGLISH:
        return str(english)
    own = english if isinstance(english, Sentence) else None
    template = WORDS[language].sentence.get(str(english) if own is None else own.template)
    if template is None or own is None:
        return template
    return template.format_map(
        {name: one if isinstance(one, str) else one.said(language) for name, one in own.params.items()}
    )


def mail(english: str, language: str) -> str:
    """A text of a mail or notice, with its placeholders; in English if the language does not have it."""
    return english if language == ENGLISH else WORDS[language].mail.get(english, english)


def page(english: str, language: str) -> str:
    """The same, of a page for people."""
    return english if language == ENGLISH else WORDS[language].page.get(english, english)


def named(name: str, words: str, language: str) -> str:
    """What is told of something, after its name."""
    return page(NAMED, language).format(name=name, words=words)


def message(code: str, params: Mapping[str, str], english: str, language: str) -> str:
    """The translated message of a field error; ``english`` if that is the language, or the code has no translation."""
    if language == ENGLISH or code not in WORDS[language].message:
        return english
    template = _fullest(WORDS[language], code, params)
    return template.format_map({name: _shown(name, params, language) for name in params})


def _fullest(words: Words, code: str, params: Mapping[str, str]) -> str:
    """The first of the fuller messages whose parameters are all present; otherwise the basic one."""
    for key, template in words.reason.get(code, {}).items():
        if (key in (params.get("reason"), params.get("what")) or params.get(key)) and all(
            params.get(name) for name in _named(template)
        ):
            return template
    return words.message[code]


_named = cache(catalogues.named)


def _shown(name: str, params: Mapping[str, str], language: str) -> str:
    """A parameter formatted for people; names given by people, and values to be sent literally, stay unchanged."""
    value, words = params[name], WORDS[language]
    if name == "reason" and value in words.message:
        its_own = {one: params[one] for one in params if one not in ("reason", "title")}
        if _named(words.message[value]) <= its_own.keys():
            return message(value, its_own, value, language)
    if name in _DAYS and "zone" in params and (at := readers.instant_or_none(value)) is not None:
        return formatting.moment(at, ZoneInfo(params["zone"]), language)
    if name in _DAYS and (readers.is_yearly_day(value) or readers.is_day(value)):
        return formatting.season_day(value, language)
    if name == "expected":
        return ", ".join(words.type.get(one, one) for one in value.split(", "))
    if name in ("before", "after") and value in words.unit:
        return words.unit[value][0]
    number = readers.decimal_or_none(value) if name in _NUMBERS else None
    if number is None:
        return value
    if "currency" in params and name not in _QUANTITIES and number == number.to_integral_value():
        return formatting.money(int(number), params["currency"], language)
    if "unit" in params:
        return quantity(number, params.get(_UNIT_OF.get(name, "unit"), params["unit"]), language)
    return formatting.number(number, language)


def quantity(number: Decimal, unit: str, language: str) -> str:
    """A quantity with its unit."""
    words = WORDS.get(language)
    forms = None if words is None else words.unit.get(unit)
    if words is None or forms is None:
        return formatting.quantity(number, unit, language)
    return f"{formatting.number(number, language)} {forms[words.form(number)]}"

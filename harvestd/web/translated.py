"""Texts in the language of a request: which that is, what its answer says of it, and translations as bodies have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from harvestd.kernel.errors import FieldError
from harvestd.kernel.languages import spoken
from harvestd.kernel.names import Rule
from harvestd.kernel.translations import FIELD, checked
from harvestd.settings.table import Settings
from harvestd.web import sound
from harvestd.web.context import RequestContext

Headers = tuple[tuple[str, str], ...]


def languages_of(settings: Settings) -> tuple[str, ...]:
    """The market's languages, its own first."""
    return spoken(settings.market_languages)


def other(request: RequestContext) -> str:
    """The language that is asked for, if it is another than the market's own; else nothing: its texts are the things' own."""
    language = request.language
    return "" if language == languages_of(request.parts.settings)[0] else language


def headers(request: RequestContext) -> Headers:
    """What the answer of a route that is spoken says of its language, which is the one that is asked for, in a market of several."""
    if not request.route.spoken or len(languages_of(request.parts.settings)) == 1:
        return ()
    return (("Content-Language", request.language), ("Vary", "Accept-Language"))


def read(
    sent: Mapping[str, Any], rules: Mapping[str, Rule], languages: Sequence[str]
) -> tuple[dict[str, Any], list[FieldError]]:
    """What was sent, its translations as they are stored; and their faults, also of translations that can only be read in part."""
    if FIELD not in sent:
        return dict(sent), checked(_in_part(sent), rules, languages)[1]
    if sent[FIELD] is None:
        return dict(sent), []
    kept, wrong = checked({tag: _texts(texts) for tag, texts in sent[FIELD].items()}, rules, languages)
    return {**sent, FIELD: kept}, wrong


def _texts(given: Any) -> dict[str, str] | None:
    if given is None:
        return None
    return {name: text for name, text in msgspec.structs.asdict(given).items() if text is not UNSET}


def _in_part(sent: Mapping[str, Any]) -> dict[str, dict[str, str] | None]:
    """The readable texts of translations that are not readable as a whole."""
    found: dict[str, dict[str, str] | None] = {}
    for path, value in sound.members(sent, FIELD).items():
        language, dot, name = path.partition(".")
        if not dot:
            found[language] = _texts(value)
        elif (texts := found.setdefault(language, {})) is not None:
            texts[name] = value
    return found

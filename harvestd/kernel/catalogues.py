"""The market's words: a gettext catalogue for each language but English, which is in the code itself.

A language is one file, ``words/<tag>.po``. The ``msgctxt`` of an entry is the kind of its text, one of :class:`Words`; its ``msgid`` is the English
text, or the name under which the code knows what it words (a code, ``code/reason``, a unit, a type).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from gettext import c2py
from importlib.resources.abc import Traversable
from string import Formatter
from typing import Any

import attrs
from babel.core import Locale
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from harvestd.kernel.codes import CODES
from harvestd.kernel.tags import FOLDER, TAGS

#: Whole numbers that are tried to find one that a language counts as it counts a fraction.
_COUNTED = range(200)


@attrs.frozen
class Words:
    """A catalogue, by the kinds of texts: ``title`` of a problem by the English one, ``message`` by code, ``reason`` (a fuller message) by code
    and by the ``reason`` or the parameter that it requires, ``unit``, ``type`` and ``status`` by name; ``sentence`` (of a refusal), ``mail`` (and notices) and
    ``page`` by the English text. ``form`` gives the place of a number's form among those of a unit."""

    title: Mapping[str, str]
    message: Mapping[str, str]
    reason: Mapping[str, Mapping[str, str]]
    unit: Mapping[str, Sequence[str]]
    type: Mapping[str, str]
    status: Mapping[str, str]
    sentence: Mapping[str, str]
    mail: Mapping[str, str]
    page: Mapping[str, str]
    form: Callable[[Decimal], int] = attrs.field(eq=False)


#: The kinds of texts, in the order in which a catalogue has them.
KINDS = tuple(field.name for field in attrs.fields(Words) if field.name != "form")


def _read(tag: str, file: Traversable) -> Words:
    catalogue = read_po(file.read_text("utf-8").split("\n"), locale=tag.replace("-", "_"))
    kinds: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
    for entry in catalogue:
        # neither the head, nor what has no words yet, or uncertain ones
        if entry.id and entry.string and all(entry.string) and not entry.fuzzy:
            kinds[str(entry.context)][entry.id[0] if entry.pluralizable else str(entry.id)] = entry.string
    return Words(**{**kinds, "reason": _by_code(kinds["reason"])}, form=_forms(catalogue))


def _by_code(entries: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Fuller messages by code and key, in the order in which they are tried: by a fixed reason first, then by the parameter that tells most."""
    found: dict[str, dict[str, str]] = {}
    for key in sorted(entries, key=lambda key: _rank(key, entries[key])):
        code, what = key.split("/")
        found.setdefault(code, {})[what] = entries[key]
    return found


def _rank(name: str, template: str) -> tuple[str, int, int]:
    code, key = name.split("/")
    more = CODES[code].more
    return (code, -len(named(template)), more.index(key)) if key in more else (code, -1000, 0)


def _forms(catalogue: Catalog) -> Callable[[Decimal], int]:
    """The place of a number's form by the catalogue's ``Plural-Forms``, which knows whole numbers alone: a fraction is counted as a whole number
    is that CLDR counts alike (1.5 is singular in French and plural in German)."""
    place, kind_of = c2py(catalogue.plural_expr), Locale.parse(str(catalogue.locale)).plural_form

    @lru_cache(maxsize=1024)
    def form(number: Decimal) -> int:
        if number == number.to_integral_value():
            return place(abs(int(number)))
        kind = kind_of(number)
        return next((place(n) for n in _COUNTED if kind_of(n) == kind), catalogue.num_plurals - 1)

    return form


def named(template: str) -> frozenset[str]:
    """The placeholders of a text."""
    return frozenset(name for _, name, _, _ in Formatter().parse(template) if name)


#: All languages but English, by tag.
WORDS: dict[str, Words] = {tag: _read(tag, FOLDER / f"{tag}.po") for tag in TAGS}

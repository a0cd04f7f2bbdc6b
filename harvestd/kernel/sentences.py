"""Translatable sentences for clients: written in English in the code, as a template and its values, so that they can be translated.
A sentence without values is a plain string, and its own template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable


@runtime_checkable
class Told(Protocol):
    """A value that each language tells in its own way: a length of time, an amount of money, a status. As a plain string it is English."""

    def said(self, locale: str, /) -> str:
        """The value for people who read this language."""


class Sentence(str):
    """An English sentence that keeps its template and values."""

    template: str
    params: Mapping[str, str | Told]


def worded(template: str, **params: object) -> Sentence:
    """``template`` with ``params`` substituted for its placeholders; what is :class:`Told` is told as each language tells it."""
    found = Sentence(template.format_map(params))
    found.template, found.params = (
        template,
        {name: value if isinstance(value, Told) else str(value) for name, value in params.items()},
    )
    return found

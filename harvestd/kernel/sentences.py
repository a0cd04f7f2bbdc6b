"""Translatable sentences for clients: written in English in the code, as a template and its values, so that they can be translated.
A sentence without values is a plain string, and its own template."""

from __future__ import annotations

from collections.abc import Mapping

from harvestd.kernel.told_values import Told


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

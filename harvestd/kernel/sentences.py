"""Sentences for whoever asked: in English where they are said, made of a template and its values, so that another language can say the
same. A sentence without values is a plain text, and its own template."""

from __future__ import annotations

from collections.abc import Mapping


class Sentence(str):
    """An English sentence that knows what it was made of."""

    template: str
    params: Mapping[str, str]


def worded(template: str, **params: object) -> Sentence:
    """``template`` with ``params`` for its braces."""
    found = Sentence(template.format_map(params))
    found.template, found.params = template, {name: str(value) for name, value in params.items()}
    return found

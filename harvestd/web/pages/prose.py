"""Normalizes the prose of the document: descriptions come from docstrings and tables, and are rendered as Markdown."""

from __future__ import annotations

import re
from typing import Any

#: Keys with prose; and keys with example data, inside which these names may mean anything.
_PROSE, _DATA = frozenset({"description", "summary"}), frozenset({"example", "examples", "default"})
_PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*")


def tidy(text: str) -> str:
    """The text with each paragraph on one line, single spaces, and names in single backticks."""
    paragraphs = (" ".join(paragraph.split()) for paragraph in _PARAGRAPHS.split(text.strip()))
    return "\n\n".join(paragraphs).replace("``", "`")


def tidied(value: Any) -> Any:
    """A part of the document with its prose normalized. (Below ``properties``, a key is a property's name.)"""
    if isinstance(value, list):
        return [tidied(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: _member(name, one) for name, one in value.items()}


def _member(name: str, value: Any) -> Any:
    if name in _PROSE and isinstance(value, str):
        return tidy(value)
    if name == "properties" and isinstance(value, dict):
        return {property: tidied(one) for property, one in value.items()}
    return value if name in _DATA else tidied(value)

"""Closed lists of words in the contract. Each stands with its subject's bodies and answers, as the type of what goes out, which is text
that a row or a rule has; the document says which words it can be, and has one schema for each list."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Meta

#: What marks a list in a schema until the document is made.
CLOSED = "x-closed"


def closed(name: str, words: Iterable[str], meaning: str) -> Meta:
    """The mark of a type as the list ``name``, as generated clients have it, with what it is about in a sentence."""
    enum = list(words)
    schema = {"type": "string", "enum": enum, "description": meaning}
    return Meta(extra_json_schema={"enum": enum, CLOSED: {"name": name, "schema": schema}})

"""Enums of the contract. Each is declared with its subject's shapes, as the type of an output field whose text comes from a row or
a rule; the OpenAPI document lists its words, in one schema per enum."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Meta

#: The key that marks an enum in a schema until the document is built.
CLOSED = "x-closed"


def closed(name: str, words: Iterable[str], meaning: str) -> Meta:
    """The annotation of a type as the enum ``name`` (also in generated clients), with a sentence about its meaning."""
    enum = list(words)
    schema = {"type": "string", "enum": enum, "description": meaning}
    return Meta(extra_json_schema={"enum": enum, CLOSED: {"name": name, "schema": schema}})

"""Buyer groups: validation of their texts. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any

from harvestd.kernel import slugs
from harvestd.kernel.errors import FieldError
from harvestd.kernel.names import Rule, clean

TEXTS = {"name": Rule(100), "description": Rule(2000, lines=True)}
#: Groups of a market, and those that one person may be in: each request may have to know them.
MAX_GROUPS, MAX_OF_ONE = 200, 50


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """The given fields of a group, its texts normalised; raises :class:`Invalid` with every field that is wrong."""
    return clean(given, TEXTS, {"slug": slugs.given}, message="the group cannot be accepted")


def name_key(name: str) -> str:
    """What two names have in common that differ in nothing but case."""
    return name.casefold()


def taken(name: str, slug: str, names: Container[str], given: Container[str]) -> Iterator[FieldError]:
    """The faults of a name and a slug that other groups have: ``names`` are their keys, ``given`` their slugs."""
    if name_key(name) in names:
        yield FieldError(
            "name", "another group has this name; choose another", code="taken", params={"reason": "group"}
        )
    if slug in given:
        yield FieldError(
            "slug", "this slug is another group's; choose another", code="taken", params={"reason": "group"}
        )
